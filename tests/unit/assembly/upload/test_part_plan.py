"""A part is a cell of the scratch; it may go when nothing can change its bytes any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from packmule.assembly.ledger import Mark
from packmule.assembly.resuming import entry_end
from packmule.assembly.upload.part_plan import PartPlan
from packmule.errors import UploadLost
from packmule.jobs.model import DoneEntry, OpenEntry, Part, Remembered, WrittenSegment

EACH = 1000
HEADER = 30 + len("0.bin")


def plan_of(
    remembered: Remembered | None = None, most: int = 10_000, cell: int | None = EACH
) -> PartPlan:
    return PartPlan(cell, most, lambda _end, _files: EACH, remembered or Remembered())


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


def cell(number: int, etag: str | None = None) -> Part:
    return Part(number, (((number - 1) * EACH, number * EACH),), etag)


def ready(plan: PartPlan) -> list[int]:
    return sorted(part.number for part in plan.take_ready())


def test_a_cell_may_go_when_all_its_bytes_are_of_files_that_are_done() -> None:
    plan = plan_of()
    plan.plan([done(0, 0, 400), done(1, 700, 500)], [])
    assert ready(plan) == []
    plan.plan([done(2, 400, 300)], [])
    assert plan.take_ready() == [cell(1)]
    plan.plan([done(3, 1200, 2700)], [])
    assert ready(plan) == [2, 3]


def test_the_grid_is_chosen_when_a_cell_of_it_could_be_full() -> None:
    asked = []

    def choose(end: int, files: int) -> int:
        asked.append((end, files))
        return EACH

    plan = PartPlan(None, 10_000, choose, Remembered())
    plan.plan([done(0, 0, 400), done(1, 400, 300)], [])
    assert plan.cell is None
    plan.plan([], [marked(opened(2, 700, 800, written=100))])
    assert plan.cell == EACH
    plan.plan([done(2, 700, 800)], [])
    assert ready(plan) == [1]
    assert asked == [(700, 2), (1500, 3)]


def test_an_open_file_sends_the_cells_within_its_body_while_it_is_written() -> None:
    plan = plan_of()
    plan.plan([], [marked(opened(0, 50, 5500, written=2049))])
    assert ready(plan) == [2]
    plan.plan([], [marked(opened(0, 50, 5500, written=5500))])
    assert ready(plan) == [3, 4, 5]
    plan.plan([done(0, 50, 5500)], [])
    assert ready(plan) == []
    plan.plan([done(1, 0, 50)], [])
    assert ready(plan) == [1]


def test_the_segments_of_an_open_file_send_their_cells() -> None:
    plan = plan_of()
    entry = opened(0, 50, 9950, written=500)
    further = WrittenSegment(2_900, 2_200, 1), WrittenSegment(5_100, 1_000, 1)
    plan.plan([], [marked(replace(entry, segments=further))])
    assert ready(plan) == [4, 5, 6]
    plan.plan([], [marked(replace(entry, written=7_000))])
    assert ready(plan) == [2, 3, 7]


def test_the_cells_of_a_file_that_has_failed_are_lost() -> None:
    plan = plan_of()
    plan.plan([], [marked(opened(0, 0, 5000, written=3500))])
    sent = plan.take_ready()
    plan.give_up([], [0])
    assert plan.note(sent[0], '"late"') is None
    changes = plan.take_changes("u")
    assert changes is not None
    assert sorted(changes.lost) == [2, 3]
    assert plan.parts == {}
    plan.plan([done(1, 5000, 1000)], [])
    assert ready(plan) == [6]


def test_the_cells_of_a_file_that_begins_anew_are_planned_again_when_they_are_written() -> None:
    plan = plan_of()
    entry = opened(0, 0, 4000, written=2500)
    plan.plan([], [marked(entry)])
    (stale,) = plan.take_ready()
    plan.give_up([Mark(0, 0, 1)], [])
    plan.plan([], [marked(opened(0, 0, 4000, written=900), version=1)])
    assert ready(plan) == []
    plan.plan([], [marked(entry, version=1)])
    (fresh,) = plan.take_ready()
    assert fresh.number == stale.number == 2
    assert plan.note(stale, '"stale"') is None
    assert plan.note(fresh, '"fresh"') == cell(2, '"fresh"')


def test_a_file_done_elsewhere_than_where_it_was_written_leaves_its_cells() -> None:
    plan = plan_of()
    plan.plan([], [marked(opened(0, 0, 4000, written=2500))])
    assert ready(plan) == [2]
    plan.plan([done(0, 9000, 4000)], [])
    assert ready(plan) == [10, 11, 12, 13]
    assert sorted(plan.parts) == [10, 11, 12, 13]


def test_what_was_uploaded_before_is_taken_up() -> None:
    small = (done(1, 4000, 600), done(2, 4600, 600), done(3, 5200, 70))
    big = opened(0, 0, 4000, written=2500)
    remembered = Remembered(done=small, open=(big,), upload="u", begun=2, parts=(cell(2, '"a"'),))
    again = plan_of(remembered)
    assert ready(again) == [5]
    again.plan([], [marked(big)])
    assert ready(again) == []
    again.plan([], [marked(opened(0, 0, 4000, written=3000))])
    assert ready(again) == [3]
    again.give_up([], [0])
    assert sorted(again.parts) == [5]


def test_a_checkpoint_is_told_once_of_the_upload_and_of_each_part() -> None:
    plan = plan_of()
    plan.plan([done(0, 0, 2000)], [])
    first, second = plan.take_ready()
    changes = plan.take_changes("u")
    assert changes is not None
    assert (changes.upload, changes.parts) == ("u", ())
    assert plan.take_changes("u") is None
    plan.note(second, '"b"')
    changes = plan.take_changes("u")
    assert changes is not None
    assert (changes.begun, changes.parts) == (2, (cell(2, '"b"'),))
    assert plan.waits
    plan.note(first, '"a"')
    assert not plan.waits


def test_an_archive_that_outgrows_its_grid_is_uploaded_again() -> None:
    plan = plan_of(most=3)
    plan.plan([done(0, 0, 2000)], [marked(opened(1, 2000, 1000, written=500))])
    with pytest.raises(UploadLost, match="3 parts"):
        plan.plan([], [marked(opened(1, 2000, 1001, written=500))])


def test_cells_that_are_asked_for_go_whatever_they_hold() -> None:
    plan = plan_of()
    plan.plan([done(0, 0, 1500)], [])
    assert ready(plan) == [1]
    plan.plan_all([1, 2])
    assert ready(plan) == [2]
