"""HTTP/2 for many small files, HTTP/1.1 for big bodies and where HTTP/2 does not go well."""

from __future__ import annotations

from packmule.outbound.protocol import BIG, MANY, SMALL, ProtocolChoice


def test_an_unknown_host_is_asked_for_http2_where_many_files_wait() -> None:
    assert not ProtocolChoice().http2(MANY - 1)
    assert ProtocolChoice().http2(MANY)


def test_once_spoken_it_stays_while_few_wait() -> None:
    protocol = ProtocolChoice()
    assert protocol.http2(MANY)
    assert protocol.http2(0)


def test_big_bodies_turn_it_off() -> None:
    protocol = ProtocolChoice()
    assert protocol.http2(MANY)
    protocol.saw(BIG)
    assert not protocol.http2(MANY)


def test_small_ones_turn_it_on_again_where_many_wait() -> None:
    protocol = ProtocolChoice()
    protocol.saw(BIG)
    assert not protocol.http2(MANY)
    for _ in range(40):
        protocol.saw(1)
    assert protocol.mean is not None
    assert protocol.mean < SMALL
    assert not protocol.http2(MANY - 1)
    assert protocol.http2(MANY)


def test_one_big_file_among_many_small_ones_changes_nothing() -> None:
    protocol = ProtocolChoice()
    for _ in range(40):
        protocol.saw(10_000)
    assert protocol.http2(MANY)
    protocol.saw(4 * BIG)
    assert protocol.http2(MANY)


def test_a_host_that_refused_it_is_never_asked_again() -> None:
    protocol = ProtocolChoice()
    protocol.refuse()
    protocol.saw(1)
    assert not protocol.http2(MANY)
