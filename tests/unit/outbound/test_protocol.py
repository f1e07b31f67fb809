"""HTTP/2 for many small files of a near host, HTTP/1.1 for all else, and where HTTP/2 fails."""

from __future__ import annotations

from packmule.outbound.protocol import BIG, MANY, NEAR, SMALL, ProtocolChoice


def near() -> ProtocolChoice:
    protocol = ProtocolChoice()
    protocol.connected(NEAR)
    return protocol


def test_an_unknown_host_is_asked_for_http2_where_many_files_wait() -> None:
    assert not ProtocolChoice().http2(MANY - 1)
    assert ProtocolChoice().http2(MANY)


def test_a_host_known_to_bear_many_is_asked_for_http1_until_it_is_known_to_be_near() -> None:
    protocol = ProtocolChoice()
    assert not protocol.http2(MANY, MANY + 1)
    assert protocol.http2(MANY, MANY)
    protocol = ProtocolChoice()
    protocol.connected(NEAR)
    assert protocol.http2(MANY, MANY + 1)


def test_a_far_host_is_no_longer_asked_for_http2() -> None:
    protocol = ProtocolChoice()
    assert protocol.http2(MANY)
    protocol.connected(NEAR * 1.01)
    assert not protocol.http2(MANY)
    protocol.saw(1)
    assert not protocol.http2(MANY)
    protocol.connected(NEAR)
    protocol.connected(1.0)  # one that was slow to be made says nothing
    assert protocol.http2(MANY)


def test_a_near_host_is_asked_for_http2_where_many_files_wait() -> None:
    assert not near().http2(MANY - 1)
    assert near().http2(MANY)


def test_once_spoken_it_stays_while_few_wait() -> None:
    protocol = near()
    assert protocol.http2(MANY)
    assert protocol.http2(0)


def test_big_bodies_turn_it_off() -> None:
    protocol = near()
    assert protocol.http2(MANY)
    protocol.saw(BIG)
    assert not protocol.http2(MANY)


def test_small_ones_turn_it_on_again_where_many_wait() -> None:
    protocol = near()
    protocol.saw(BIG)
    assert not protocol.http2(MANY)
    for _ in range(40):
        protocol.saw(1)
    assert protocol.mean is not None
    assert protocol.mean < SMALL
    assert not protocol.http2(MANY - 1)
    assert protocol.http2(MANY)


def test_one_big_file_among_many_small_ones_changes_nothing() -> None:
    protocol = near()
    for _ in range(40):
        protocol.saw(10_000)
    assert protocol.http2(MANY)
    protocol.saw(4 * BIG)
    assert protocol.http2(MANY)


def test_a_host_that_refused_it_is_never_asked_again() -> None:
    protocol = near()
    protocol.refuse()
    protocol.saw(1)
    assert not protocol.http2(MANY)
