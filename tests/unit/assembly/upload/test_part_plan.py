"""Parts are whole entries, or slices of big ones; a number stands for the same bytes for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from packmule.assembly.ledger import Mark
from packmule.assembly.resuming import entry_end
from packmule.assembly.upload.part_plan import PartPlan
from packmule.errors import StorageFailed
from packmule.jobs.model import DoneEntry, OpenEntry, Part, Remembered, WrittenSegment

EACH = 1000
HEADER = 30 + len("0.bin")


def plan_of(remembered: Remembered | None = None, most: int = 10_000) -> PartPlan:
    return PartPlan(lambda _number: EACH, most, remembered or Remembered())


def done(position: int, offset: int, length: int) -> DoneEntry:
    """Give an entry that takes so many bytes, its header included."""
    size = length - HEADER
    entry = DoneEntry(position, f"{position}.bin", offset, 0, 0, size, size)
    assert entry_end(entry) == offset + length
    return entry


def opened(position: int, offset: int, length: int, written: int) -> OpenEntry:
    """Give an entry of which so many bytes are written, its header included."""
    size = length - HEADER
    return OpenEntry(position, f"{position}.bin", offset, HEADER, size, written - HEADER, 0)


def marked(entry: OpenEntry, version: int = 0) -> tuple[Mark, OpenEntry]:
    return Mark(entry.position, entry.offset, version), entry


def extents(parts: list[Part]) -> list[tuple[tuple[int, int], ...]]:
    return [part.extents for part in parts]


def test_small_entries_are_gathered_until_they_fill_a_part() -> None:
    plan = plan_of()
    plan.plan([done(0, 0, 400), done(1, 700, 500)], [])
    assert plan.take_ready() == []
    assert plan.rest() == [(0, 400), (700, 1200)]
    plan.plan([done(2, 400, 300)], [])
    (part,) = plan.take_ready()
    assert part == Part(1, ((0, 400), (700, 1200), (400, 700)))
    assert part.size == 1200
    assert plan.rest() == []


def test_slices_go_wherever_they_are_written() -> None:
    plan = plan_of()
    entry = opened(0, 0, 10_000, HEADER + 500)
    further = WrittenSegment(2_900, 2_200, 1), WrittenSegment(9_000 - HEADER, 1_000, 1)
    plan.plan([], [marked(replace(entry, segments=further))])
    # Neither the first, which waits for its header, nor the last, which waits for the end.
    assert extents(plan.take_ready()) == [((3000, 4000),), ((4000, 5000),)]
    plan.plan([], [marked(replace(entry, written=5_500))])
    assert extents(plan.take_ready()) == [((1000, 2000),), ((2000, 3000),)]


def test_a_big_entry_is_cut_so_that_no_slice_is_too_small() -> None:
    plan = plan_of()
    plan.plan([done(0, 0, 3999)], [])
    assert extents(plan.take_ready()) == [((0, 1000),), ((1000, 2000),), ((2000, 3999),)]


def test_an_open_entry_sends_its_middle_while_it_is_written() -> None:
    plan = plan_of()
    plan.plan([], [marked(opened(0, 50, 5500, written=900))])
    assert plan.take_changes("u") is None
    plan.plan([], [marked(opened(0, 50, 5500, written=1000))])
    assert plan.take_ready() == []
    changes = plan.take_changes("u")
    assert changes is not None
    assert [part.number for part in changes.parts] == [1, 2, 3, 4, 5]
    plan.plan([], [marked(opened(0, 50, 5500, written=3100))])
    assert [part.number for part in plan.take_ready()] == [2, 3]
    plan.plan([], [marked(opened(0, 50, 5500, written=5500))])
    assert [part.number for part in plan.take_ready()] == [4]
    plan.plan([done(0, 50, 5500)], [])
    assert [part.number for part in plan.take_ready()] == [1, 5]


def test_an_entry_that_has_failed_leaves_no_part_and_its_numbers_are_not_given_again() -> None:
    plan = plan_of()
    plan.plan([], [marked(opened(0, 0, 5000, written=3500))])
    sent = plan.take_ready()
    plan.take_changes("u")
    plan.give_up([], [0])
    assert plan.note(sent[0].number, '"late"') is None
    changes = plan.take_changes("u")
    assert changes is not None
    assert changes.lost == (1, 2, 3, 4, 5)
    assert plan.parts == {}
    plan.plan([done(1, 5000, 1000)], [])
    assert [part.number for part in plan.take_ready()] == [6]


def test_an_entry_that_begins_anew_gets_new_numbers() -> None:
    plan = plan_of()
    entry = opened(0, 0, 4000, written=2500)
    plan.plan([], [marked(entry)])
    assert [part.number for part in plan.take_ready()] == [2]
    plan.give_up([Mark(0, 0, 1)], [])
    plan.plan([], [marked(entry, version=1)])
    assert [part.number for part in plan.take_ready()] == [6]
    assert sorted(plan.parts) == [5, 6, 7, 8]


def test_an_entry_done_elsewhere_than_where_it_was_sliced_is_planned_anew() -> None:
    plan = plan_of()
    plan.plan([], [marked(opened(0, 0, 4000, written=2500))])
    plan.plan([done(0, 9000, 4000)], [])
    assert extents(plan.take_ready())[0] == ((9000, 10_000),)
    assert sorted(plan.parts) == [5, 6, 7, 8]


def test_what_was_planned_before_is_taken_up() -> None:
    plan = plan_of()
    big = opened(0, 0, 4000, written=2500)
    plan.plan([done(1, 4000, 600), done(2, 4600, 600), done(3, 5200, 70)], [marked(big)])
    ready = plan.take_ready()
    plan.note(ready[0].number, '"a"')
    changes = plan.take_changes("u")
    assert changes is not None
    remembered = Remembered(
        done=(done(1, 4000, 600), done(2, 4600, 600), done(3, 5200, 70)),
        open=(big,),
        upload="u",
        begun=plan.begun,
        parts=changes.parts,
    )
    again = plan_of(remembered)
    assert again.parts == plan.parts
    assert again.rest() == [(5200, 5270)]
    again.plan([], [marked(big)])
    assert [part.number for part in again.take_ready()] == [ready[1].number]
    again.plan([done(0, 0, 4000)], [])
    assert len(again.take_ready()) == 3
    assert again.begun == plan.begun


def test_what_is_done_and_in_no_part_is_planned_when_it_is_taken_up() -> None:
    again = plan_of(Remembered(done=(done(0, 0, 600), done(1, 600, 600)), upload="u", begun=7))
    assert extents(again.take_ready()) == [((0, 1200),)]
    assert list(again.parts) == [8]


def test_a_number_given_to_the_last_part_is_told() -> None:
    plan = plan_of()
    plan.plan([done(0, 0, 1000)], [])
    plan.take_changes("u")
    assert plan.take_changes("u") is None
    assert plan.begin_last() == 2
    changes = plan.take_changes("u")
    assert changes is not None
    assert (changes.begun, changes.parts) == (2, ())


def test_there_are_no_more_numbers_than_the_storage_takes_and_one_is_kept_for_the_end() -> None:
    plan = plan_of(most=3)
    plan.plan([done(0, 0, 2000)], [])
    with pytest.raises(StorageFailed, match="3 parts"):
        plan.plan([done(1, 2000, 1000)], [])
    assert plan.begin_last() == 3
