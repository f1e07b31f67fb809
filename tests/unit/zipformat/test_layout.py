"""Where the entries of an archive lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.zipformat.layout import (
    Entry,
    Gap,
    Move,
    Overlap,
    central_directory,
    check,
    closing_moves,
    end_records,
)
from packmule.zipformat.records import (
    MARKER_32,
    CentralHeader,
    EndOfCentralDirectory,
    FormatError,
    Zip64EndOfCentralDirectory,
    Zip64Locator,
)


def entry(name: str, offset: int, body: int = 70) -> Entry:
    """Make an entry of `body` stored bytes; with a name of one letter the header has 31 bytes."""
    return Entry(name.encode(), 0, 0, body, body, offset, None)


@st.composite
def scattered(draw: st.DrawFn) -> tuple[list[Entry], bytes]:
    """Entries with holes between them, in any order, and the file they lie in."""
    entries, data = [], b""
    for index in range(draw(st.integers(0, 8))):
        data += b"\xff" * draw(st.sampled_from([0, 0, 1, 40, 200]))
        body = draw(st.binary(max_size=60))
        made = entry(f"n{index}", len(data), len(body))._replace(
            zip64_room=draw(st.booleans()),
            modified_at=draw(st.sampled_from([None, 1_700_000_000])),
        )
        entries.append(made)
        data += made.local_header() + body
    return draw(st.permutations(entries)), data


def test_an_entry_ends_behind_its_header_and_body() -> None:
    made = entry("a", 1000)
    assert (made.header_size, made.end) == (31, 1101)
    assert len(made.local_header()) == 31
    assert made._replace(zip64_room=True).end == 1121


def test_entries_side_by_side_need_no_move() -> None:
    entries = [entry("b", 101), entry("a", 0)]
    assert closing_moves(entries) == ([], entries)


def test_what_lies_behind_one_hole_moves_down_as_one_piece() -> None:
    entries = [entry("a", 0), entry("b", 151), entry("c", 252)]
    moves, moved = closing_moves(entries)
    assert moves == [Move(151, 101, 202)]
    assert [e.offset for e in moved] == [0, 101, 202]


def test_each_hole_makes_a_move_and_they_come_lowest_first() -> None:
    entries = [entry("c", 1000), entry("a", 10), entry("b", 500)]
    moves, moved = closing_moves(entries)
    assert moves == [Move(10, 0, 101), Move(500, 101, 101), Move(1000, 202, 101)]
    assert [(e.name, e.offset) for e in moved] == [(b"c", 202), (b"a", 0), (b"b", 101)]


def test_entries_that_overlap_cannot_be_moved() -> None:
    with pytest.raises(FormatError, match="overlaps"):
        closing_moves([entry("a", 0), entry("b", 100)])


@given(scattered())
def test_after_the_moves_every_entry_has_its_bytes_and_there_is_no_hole(
    given_: tuple[list[Entry], bytes],
) -> None:
    entries, before = given_
    moves, moved = closing_moves(entries)
    after = bytearray(before)
    for move in moves:
        after[move.target : move.target + move.length] = after[
            move.source : move.source + move.length
        ]
    end = max((e.end for e in moved), default=0)
    assert check(moved, end) == []
    for old, new in zip(entries, moved, strict=True):
        assert new._replace(offset=old.offset) == old
        assert after[new.offset : new.end] == before[old.offset : old.end]


@given(scattered())
def test_the_check_finds_holes_exactly_where_moves_would_close_them(
    given_: tuple[list[Entry], bytes],
) -> None:
    entries, _ = given_
    found = check(entries, max((e.end for e in entries), default=0))
    assert all(isinstance(each, Gap) for each in found)
    assert len(found) == len(closing_moves(entries)[0])


def test_the_check_tells_gaps_in_front_between_and_behind() -> None:
    entries = [entry("a", 5), entry("b", 110)]
    assert check(entries, 220) == [Gap(0, 5), Gap(106, 110), Gap(211, 220)]


def test_the_check_tells_overlaps_with_a_neighbour_and_with_the_end() -> None:
    entries = [entry("a", 0), entry("b", 91)]
    assert check(entries, 190) == [Overlap(91, 101, b"b"), Overlap(190, 192, b"b")]


def test_an_entry_within_another_overlaps_by_its_whole_length() -> None:
    entries = [entry("a", 0, 400), entry("b", 50)]
    assert check(entries, 431) == [Overlap(50, 151, b"b")]


def test_of_two_that_end_beyond_the_end_together_the_first_is_named() -> None:
    entries = [entry("a", 0, 400), entry("b", 330)]
    assert {each.end for each in entries} == {431}
    assert check(entries, 430) == [Overlap(330, 431, b"b"), Overlap(430, 431, b"a")]


def test_the_directory_lists_the_callers_order() -> None:
    entries = [entry("b", 101), entry("a", 0)]
    directory = b"".join(central_directory(entries, 202))
    first = CentralHeader.unpack(directory)
    second = CentralHeader.unpack(directory, first.packed_size)
    assert [(first.name, first.offset), (second.name, second.offset)] == [(b"b", 101), (b"a", 0)]
    end = EndOfCentralDirectory.unpack(directory, first.packed_size + second.packed_size)
    assert (end.entries, end.directory_offset) == (2, 202)
    assert end.directory_size == first.packed_size + second.packed_size


def test_a_large_directory_comes_in_pieces_of_about_a_mebibyte() -> None:
    pieces = list(central_directory((entry(f"{i:0100}", 0) for i in range(30_000)), 0))
    assert len(pieces) > 4
    assert all(len(piece) < 2**20 + 400 for piece in pieces)
    assert b"".join(pieces).endswith(end_records(30_000, 30_000 * 146, 0))


def test_a_piece_of_the_directory_ends_with_the_entry_that_makes_it_a_mebibyte() -> None:
    header = 128  # bytes, of which 46 are fixed
    at_once = 2**20 // header
    entries = [entry(f"{i:082}", 0) for i in range(2 * at_once + 1)]
    lengths = [len(piece) for piece in central_directory(entries, 0)]
    assert lengths == [2**20, 2**20, header + 22]
    longer = [entry(f"{i:083}", 0) for i in range(at_once)]
    assert [len(piece) for piece in central_directory(longer, 0)] == [8129 * 129, 63 * 129 + 22]


@pytest.mark.parametrize(
    ("entries", "size", "offset"),
    [(0, 0, 0), (65_534, MARKER_32 - 1, MARKER_32 - 1)],
)
def test_below_the_markers_there_is_the_plain_end_record_alone(
    entries: int, size: int, offset: int
) -> None:
    assert end_records(entries, size, offset) == EndOfCentralDirectory(entries, size, offset).pack()


@pytest.mark.parametrize(
    ("entries", "size", "offset"),
    [(65_535, 5, 9), (65_536, 5, 9), (1, MARKER_32, 9), (1, 5, MARKER_32), (2**20, 2**33, 2**34)],
)
def test_from_the_markers_on_zip64_records_tell_all_and_the_plain_one_what_fits(
    entries: int, size: int, offset: int
) -> None:
    packed = end_records(entries, size, offset)
    wide = Zip64EndOfCentralDirectory.unpack(packed)
    locator = Zip64Locator.unpack(packed, 56)
    end = EndOfCentralDirectory.unpack(packed, 76)
    assert (wide.entries, wide.directory_size, wide.directory_offset) == (entries, size, offset)
    assert (wide.version_needed, wide.entries_on_disk) == (45, entries)
    assert (locator.offset, locator.disks) == (offset + size, 1)
    assert (end.entries, end.directory_size, end.directory_offset) == (
        min(entries, 0xFFFF),
        min(size, MARKER_32),
        min(offset, MARKER_32),
    )
