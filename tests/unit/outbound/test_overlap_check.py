"""Bytes that come again: compared with what is held, whatever pieces they come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.outbound.overlap_check import OverlapCheck, OverlapDiffersError

BODY = bytes(range(200))


class Held:
    """A body of which the first 120 bytes are held; it takes nothing at every `balks`-th offer."""

    def __init__(self, balks: int = 0) -> None:
        self.body = bytearray(BODY[:120])
        self.reads = 0
        self._balks = balks
        self._offers = 0

    def tail(self, length: int) -> bytes | None:
        self.reads += 1
        return None if self.reads == 1 else bytes(self.body[-length:])

    def write(self, view: memoryview) -> bool:
        self._offers += 1
        if self._balks and self._offers % self._balks == 0:
            return True
        self.body += view
        return False


def overlap(held: Held, repeated: int, *, least: int = 10, most: int = 50) -> OverlapCheck:
    return OverlapCheck(repeated, held.tail, held.write, least=least, most=most)


def send(check: OverlapCheck, data: bytes, piece: int) -> None:
    for at in range(0, len(data), piece):
        while check.write(memoryview(data)[at : at + piece]):
            pass


@given(repeated=st.integers(1, 120), piece=st.integers(1, 200), balks=st.sampled_from([0, 2, 3]))
def test_what_comes_again_is_passed_over_and_the_rest_is_written(
    repeated: int, piece: int, balks: int
) -> None:
    held = Held(balks)
    check = overlap(held, repeated)
    send(check, BODY[120 - repeated :], piece)
    assert bytes(held.body) == BODY
    assert check.seen == repeated


@given(repeated=st.integers(1, 120), piece=st.integers(1, 200), data=st.data())
def test_a_byte_that_differs_is_seen_before_anything_is_written(
    repeated: int, piece: int, data: st.DataObject
) -> None:
    held = Held()
    changed = bytearray(BODY[120 - repeated :])
    at = data.draw(st.integers(max(0, repeated - 50), repeated - 1))
    changed[at] ^= 1
    with pytest.raises(OverlapDiffersError):
        send(overlap(held, repeated), bytes(changed), piece)
    assert bytes(held.body) == BODY[:120]


def test_too_few_bytes_to_compare_are_no_evidence() -> None:
    held = Held()
    del held.body[9:]
    with pytest.raises(OverlapDiffersError):
        send(overlap(held, 20), BODY, 200)


def test_less_can_be_held_than_comes_again() -> None:
    held = Held()
    del held.body[:100]  # as a sink that keeps its last 20 bytes only
    send(overlap(held, 90), BODY[30:], 7)
    assert bytes(held.body) == BODY[100:]
