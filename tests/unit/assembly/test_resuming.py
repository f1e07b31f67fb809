"""What is neither in the scratch nor in the storage is forgotten; all else is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.assembly.upload.test_part_plan import done, opened

from packmule.assembly.resuming import (
    claimed_ranges,
    entry_end,
    given_up,
    holds,
    ranges_of_scratch,
    restored_state,
    usable,
)
from packmule.jobs.model import DoneEntry, Part, Remembered, Uploads, WrittenSegment
from packmule.outbound.transfer import TransferState

A, B, C = done(0, 0, 600), done(1, 600, 600), done(2, 1200, 300)
BIG = opened(3, 1500, 5000, written=2500)
# Cells of 1,000 bytes; the second has the header of the open entry, so it is in the scratch only.
PARTS = (Part(1, ((0, 1000),), '"ab"'), Part(3, ((2000, 3000),), '"big"'))
TAIL = 6500
ALL = Remembered(TAIL, (A, B, C), (BIG,), (), "upload", 3, PARTS)
STORED = {1: (1000, '"ab"'), 3: (1000, '"big"')}


def test_all_is_kept_where_scratch_and_storage_have_it() -> None:
    assert usable(ALL, TAIL, STORED) == ALL
    assert given_up(ALL, ALL) == ((), None)


def test_without_scratch_what_is_uploaded_whole_is_kept() -> None:
    kept = usable(ALL, 0, STORED)
    # Behind the uploaded cell: what only the storage has of it cannot be sent again.
    assert kept == Remembered(1000, (A,), (), (), "upload", 3, PARTS[:1])
    assert given_up(ALL, kept) == ((1, 2, 3), Uploads("upload", 3, (), (3,)))


def test_what_an_object_was_made_of_is_kept_without_its_tags() -> None:
    sealed = dict.fromkeys((1, 2, 3), (1000, None))
    assert usable(ALL, TAIL, sealed) == ALL


def test_without_the_upload_what_was_uploaded_is_lost_though_the_scratch_is_there() -> None:
    kept = usable(ALL, TAIL, None)
    assert kept == Remembered(1500, (C,), (), (), None, 3, ())
    assert given_up(ALL, kept) == ((0, 1, 3), Uploads(None, 3, (), (1, 3)))


@pytest.mark.parametrize("other", [(1000, '"xy"'), (999, '"ab"')])
def test_a_part_that_is_not_as_it_was_noted_is_lost(other: tuple[int, str]) -> None:
    kept = usable(ALL, TAIL, STORED | {1: other})
    assert kept.done == (C,)
    assert kept.open == (BIG,)
    assert [part.number for part in kept.parts] == [3]


def test_an_open_entry_of_which_a_part_is_lost_is_forgotten() -> None:
    kept = usable(ALL, TAIL, {1: STORED[1]})
    assert kept.open == ()
    assert [part.number for part in kept.parts] == [1]


def test_an_entry_that_has_begun_anew_keeps_its_place_but_no_part() -> None:
    anew = replace(BIG, written=0)
    kept = usable(replace(ALL, open=(anew,)), TAIL, STORED)
    assert kept.open == (anew,)
    assert [part.number for part in kept.parts] == [1]


def test_parts_of_an_entry_that_has_failed_are_nobodys() -> None:
    kept = usable(replace(ALL, open=()), TAIL, STORED)
    assert [part.number for part in kept.parts] == [1]


def test_an_entry_of_which_a_segment_is_lost_is_forgotten() -> None:
    far = WrittenSegment(4000, 900, 7)
    entry = replace(BIG, segments=(far,))
    known = replace(ALL, open=(entry,))
    assert usable(known, TAIL, STORED).open == (entry,)
    assert claimed_ranges(known)[-1] == (TAIL - 965, TAIL - 65)
    assert usable(known, TAIL - 66, STORED).open == ()


def test_a_part_of_an_open_entry_that_is_not_all_written_is_not_kept() -> None:
    # It has begun anew: what is behind it has come again, by another transfer.
    anew = replace(BIG, written=900, segments=(WrittenSegment(1000, 3000, 7),))
    kept = usable(replace(ALL, open=(anew,)), TAIL, STORED)
    assert kept.open == (anew,)
    assert [part.number for part in kept.parts] == [1]


def test_an_upload_that_has_no_part_yet_is_gone_on_with() -> None:
    begun = Remembered(TAIL, (A, B, C), (), (), "upload", 0, ())
    kept = usable(begun, TAIL, {})
    assert kept == replace(begun, tail=1500)
    assert kept.parts == ()


def test_an_archive_of_which_nothing_is_left_begins_at_its_first_byte() -> None:
    assert usable(ALL, 0, {}) == Remembered(0, (), (), (), "upload", 3, ())


def test_an_upload_that_is_gone_is_given_up_though_it_had_no_part() -> None:
    begun = Remembered(1500, (A, B, C), (), (), "upload", 0, ())
    kept = usable(begun, 1500, None)
    assert given_up(begun, kept) == ((), Uploads(None, 0, (), ()))


def test_only_what_is_not_uploaded_is_copied_from_a_scratch() -> None:
    assert ranges_of_scratch(ALL) == [(1000, 2000), (3000, 4000)]
    assert ranges_of_scratch(Remembered(1500, (A, B, C))) == [(0, 1500)]


@pytest.mark.parametrize(
    ("uploaded", "left"),
    [
        ([(0, 600)], [(1200, 1500), (2000, 2300)]),
        ([(100, 200), (300, 400)], [(0, 100), (200, 300), (400, 600), (1200, 1500), (2000, 2300)]),
        ([(500, 600), (600, 1300)], [(0, 500), (1300, 1500), (2000, 2300)]),
        ([(500, 1300)], [(0, 500), (1300, 1500), (2000, 2300)]),
        ([(0, 1500)], [(2000, 2300)]),
        ([(600, 1200)], [(0, 600), (1200, 1500), (2000, 2300)]),
        ([(2100, 9000)], [(0, 600), (1200, 1500), (2000, 2100)]),
        ([(0, 9000)], []),
    ],
)
def test_what_a_part_holds_of_several_ranges_is_cut_out_of_each(
    uploaded: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    written = (done(0, 0, 600), done(1, 1200, 300), done(2, 2000, 300))
    parts = tuple(Part(number, (span,), '"x"') for number, span in enumerate(uploaded, start=1))
    assert ranges_of_scratch(Remembered(2300, written, parts=parts)) == left


def test_ranges_that_touch_or_overlap_are_one() -> None:
    entries = (done(0, 0, 100), done(1, 200, 300), done(2, 300, 50), done(3, 500, 100))
    assert claimed_ranges(Remembered(900, entries)) == [(0, 100), (200, 600)]
    apart = (*entries, done(4, 700, 100), done(5, 800, 100))
    assert claimed_ranges(Remembered(900, apart)) == [(0, 100), (200, 600), (700, 900)]


def test_an_entry_that_is_large_only_unpacked_has_room_for_wide_sizes_in_its_header() -> None:
    small = DoneEntry(0, "0.bin", 10, 0, 0, 100, 200)
    assert entry_end(small) == 10 + 30 + len("0.bin") + 100
    assert entry_end(small._replace(size=2**32)) == entry_end(small) + 20


def test_a_source_is_asked_for_the_rest_of_the_version_that_was_begun() -> None:
    begun = replace(BIG, etag='"v1"', last_modified="yesterday", content_type="text/plain")
    assert restored_state(begun) == TransferState(
        kept=BIG.written,
        total=BIG.size,
        etag='"v1"',
        last_modified="yesterday",
        content_type="text/plain",
        reached=BIG.written,
    )


def test_a_range_is_held_only_where_all_of_it_is() -> None:
    ranges = [(0, 10), (20, 30)]
    assert holds(ranges, 0, 10)
    assert holds(ranges, 20, 21)
    assert holds(ranges, 25, 30)
    assert not holds(ranges, 5, 21)
    assert not holds(ranges, 10, 11)
    assert not holds(ranges, 29, 31)
    assert not holds([], 0, 1)
