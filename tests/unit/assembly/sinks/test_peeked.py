"""Bodies that are held until their first bytes are there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.assembly.sinks.test_decoded import FakeSink

from packmule.assembly.content_coding import PEEK_BYTES
from packmule.assembly.sinks.peeked import PeekedSink

BODY = bytes(range(256)) * 20


class Peeking:
    """A peeked sink, and what it hands on."""

    def __init__(self, balks: int = 0) -> None:
        self.inner = FakeSink(balks)
        self.chosen: list[bytes] = []
        self.short: list[bytes] = []
        self.sink = PeekedSink(self._choose, self.short.append)

    def _choose(self, first: bytes) -> FakeSink:
        self.chosen.append(first)
        return self.inner

    def send(self, data: bytes, piece: int) -> None:
        for at in range(0, len(data), piece):
            while self.sink.write(memoryview(data)[at : at + piece]):
                pass


@given(piece=st.integers(1, 6000), balks=st.sampled_from([0, 2, 3]))
def test_the_first_bytes_choose_and_every_byte_is_handed_on(piece: int, balks: int) -> None:
    peeking = Peeking(balks)
    peeking.send(BODY, max(50, piece))
    assert peeking.chosen == [BODY[:PEEK_BYTES]]
    assert peeking.sink.kept == len(BODY)
    peeking.sink.finish()
    assert bytes(peeking.inner.taken) == BODY
    assert peeking.inner.is_finished
    assert not peeking.short


def test_a_short_body_is_judged_as_a_whole() -> None:
    peeking = Peeking()
    peeking.send(BODY[: PEEK_BYTES - 1], 100)
    assert peeking.sink.kept == PEEK_BYTES - 1
    peeking.sink.finish()
    assert peeking.short == [BODY[: PEEK_BYTES - 1]]
    assert not peeking.chosen


def test_an_interruption_loses_nothing_that_was_handed_on() -> None:
    peeking = Peeking()
    peeking.send(BODY[:2000], 700)
    peeking.sink.rest()
    peeking.sink.wake()
    assert peeking.sink.kept == 2000
    peeking.send(BODY[2000:], 700)
    assert bytes(peeking.inner.taken) == BODY


def test_an_interruption_while_the_beginning_waits_for_room_starts_over() -> None:
    peeking = Peeking(balks=1)
    assert peeking.sink.write(memoryview(BODY))
    peeking.sink.rest()
    assert peeking.sink.kept == 0
    peeking.inner = FakeSink()
    peeking.send(BODY, 700)
    assert bytes(peeking.inner.taken) == BODY


def test_discarding_forgets_what_is_held() -> None:
    peeking = Peeking()
    peeking.send(BODY[:10], 10)
    peeking.sink.discard()
    assert peeking.sink.kept == 0
