"""Entries go into parts that are never too large, and none is lost between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from packmule.assembly.split.split_plan import END_BYTES, SplitPlan, entry_bytes
from packmule.errors import ArchiveTooLarge
from packmule.jobs.model import ArchivePart, DoneEntry, OpenEntry, Remembered
from packmule.jobs.split_places import MOST_PARTS, area_begin, area_of

if TYPE_CHECKING:
    from packmule.errors import PackmuleError

LIMIT = 10_000
HEADER = 100


def place(plan: SplitPlan, tail: int, length: int) -> tuple[int, int]:
    """Give an entry its place as the archive's file does; return it, and the tail then."""
    at = plan.choose(tail, HEADER, length, may_stand_aside=True)
    return at, at + HEADER + length if area_of(at) == plan.current else tail


@given(lengths=st.lists(st.integers(0, 12_000), min_size=1, max_size=60))
def test_no_part_is_larger_than_asked_unless_it_is_of_one_file(lengths: list[int]) -> None:
    plan = SplitPlan(LIMIT, Remembered(), ())
    tail = plan.tail
    areas: dict[int, list[int]] = {}
    ends: dict[int, int] = {}
    for length in lengths:
        at, tail = place(plan, tail, length)
        area = area_of(at)
        assert at == area_begin(area) + ends.get(area, 0), "entries lie one behind the other"
        ends[area] = at - area_begin(area) + HEADER + length
        areas.setdefault(area, []).append(length)
    for held in areas.values():
        size = sum(entry_bytes(HEADER, length) for length in held) + END_BYTES
        assert size <= LIMIT or len(held) == 1
    assert plan.total(tail) == sum(ends.values())
    assert sorted(areas) == list(range(len(areas)))


def test_a_file_that_fits_nowhere_stands_aside_and_the_current_part_goes_on() -> None:
    plan = SplitPlan(LIMIT, Remembered(), ())
    first, tail = place(plan, plan.tail, 100)
    large, tail = place(plan, tail, 50_000)
    next_one, tail = place(plan, tail, 100)
    assert [area_of(each) for each in (first, large, next_one)] == [0, 1, 0]
    assert plan.current == 0


def test_a_part_that_has_room_is_taken_up_again_and_a_complete_one_is_not() -> None:
    done = DoneEntry(0, "a", area_begin(1), 0, 0, 500, 500)
    aside = OpenEntry(1, "b", area_begin(2), HEADER, 50_000, 0, 0)
    gone = DoneEntry(2, "c", area_begin(0), 0, 0, 500, 500)
    published = [ArchivePart(1, 7, 0, 9_000, '"x"', 1, has_report=False)]
    plan = SplitPlan(LIMIT, Remembered(done=(gone, done), open=(aside,)), published)
    assert plan.current == 1
    at, tail = place(plan, plan.tail, 100)
    assert area_of(at) == 1
    assert at > done.offset + 500
    assert plan.on_disk(tail) == plan.total(tail) - 9_000
    assert area_of(place(plan, tail, 9_000)[0]) == 3


def test_too_many_parts_are_refused() -> None:
    refused: list[PackmuleError] = []
    plan = SplitPlan(LIMIT, Remembered(), (), refused.append)
    tail = plan.tail
    for _ in range(MOST_PARTS):
        assert not refused
        _, tail = place(plan, tail, LIMIT - 400)
    place(plan, tail, LIMIT - 400)
    [error] = refused
    assert isinstance(error, ArchiveTooLarge)
    assert "max_part_bytes" in str(error)
