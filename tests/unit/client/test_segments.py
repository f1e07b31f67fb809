"""Whoever receives what: every byte once, and the rest shared by whoever is idle."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.client.segments import Segments, merged


def segments(size: int, *held: tuple[int, int], least: int = 1) -> Segments:
    return Segments(size, held, least)


def bounds(segment: Any) -> tuple[int, int]:
    return segment.at, segment.end


def test_the_first_missing_byte_is_received_first() -> None:
    divided = segments(100, (0, 10), (20, 90))
    assert bounds(divided.first()) == (10, 20)
    assert bounds(divided.first()) == (90, 100)
    assert divided.first() is None
    assert divided.received == 80


def test_whoever_is_idle_takes_what_nobody_has_and_then_half_of_the_largest() -> None:
    divided = segments(100, (40, 50))
    first = divided.first()
    assert bounds(first) == (0, 40)
    assert bounds(divided.another()) == (50, 100)
    assert bounds(divided.another()) == (75, 100)
    assert bounds(divided.another()) == (20, 40)
    assert bounds(first) == (0, 20)


def test_eight_transfers_share_an_archive_evenly() -> None:
    divided = segments(800)
    claimed = [divided.first(), *(divided.another() for _ in range(7))]
    assert sorted(map(bounds, claimed)) == [(at, at + 100) for at in range(0, 800, 100)]


def test_what_is_too_small_is_not_divided() -> None:
    divided = segments(10, least=6)
    assert divided.first() is not None
    assert divided.another() is None


def test_what_was_released_is_received_by_another() -> None:
    divided = segments(100)
    first, second = divided.first(), divided.another()
    assert first is not None
    assert second is not None
    divided.write(second, b"x" * 20, lambda *_: None)
    divided.release(second)
    assert bounds(divided.another()) == (70, 100)


def test_nothing_is_written_or_claimed_after_the_stop() -> None:
    divided = segments(10)
    first = divided.first()
    assert first is not None
    divided.stop()
    assert divided.write(first, b"x", lambda *_: pytest.fail("written")) is None
    assert divided.another() is None
    assert divided.held == ()


def test_a_piece_that_could_not_be_written_does_not_count() -> None:
    def full(_at: int, _piece: bytes) -> None:
        raise OSError("no space")

    divided = segments(10)
    first = divided.first()
    assert first is not None
    with pytest.raises(OSError, match="no space"):
        divided.write(first, b"x", full)
    assert (divided.held, divided.received) == ((), 0)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20))))
def test_merged_ranges_have_the_same_bytes_and_do_not_touch(given_: list[tuple[int, int]]) -> None:
    ranges = [(start, start + length) for start, length in given_]
    found = merged(ranges)
    assert {at for span in found for at in range(*span)} == {
        at for span in ranges for at in range(*span)
    }
    assert all(before[1] < after[0] for before, after in pairwise(found))


@given(st.integers(), st.integers(1, 200), st.integers(1, 30))
def test_however_transfers_come_and_go_each_byte_is_written_once(
    seed: int, size: int, least: int
) -> None:
    chance = random.Random(seed)
    edges = sorted({chance.randint(0, size) for _ in range(chance.randint(0, 6))})
    held = tuple(zip(edges[::2], edges[1::2], strict=False))
    divided = Segments(size, held, least)
    file = [sum(start <= at < end for start, end in held) for at in range(size)]

    def put(at: int, piece: bytes) -> None:
        for number in range(at, at + len(piece)):
            file[number] += 1

    busy: list[Any] = []
    while divided.received < size:
        claimed = divided.another()
        busy += [claimed] if claimed else []
        assert busy  # or nobody would ever receive the rest
        one = chance.choice(busy)
        divided.write(one, b"x" * chance.randint(0, 40), put)
        if not one.left or chance.random() < 0.5:
            divided.release(one)
            busy.remove(one)
    assert file == [1] * size
    assert divided.held == ((0, size),)
