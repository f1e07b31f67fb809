"""The parts of a finished archive are of one size, and hold every byte once and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.assembly.upload.test_part_plan import done

from packmule.assembly.upload.final_layout import FinalLayout

if TYPE_CHECKING:
    from packmule.jobs.model import DoneEntry

END = (100_000, 100_250)


def test_without_a_hole_the_parts_are_the_cells_and_the_rest() -> None:
    layout = FinalLayout([done(0, 0, 1500), done(1, 1500, 900)], END, 1000)
    assert layout.pieces == {1: [(0, 1000)], 2: [(1000, 2000)], 3: [(2000, 2400), END]}
    assert layout.size == 2650
    assert [layout.is_cell(number) for number in (1, 2, 3)] == [True, True, False]
    assert layout.scratch_numbers == [1, 2, 3]
    assert layout.can_follow([1, 2], [1, 2, 3])


def test_an_upload_that_has_more_parts_than_the_archive_cannot_become_it() -> None:
    layout = FinalLayout([done(0, 0, 1500)], END, 1000)
    assert layout.can_follow([1], [1, 2])
    assert not layout.can_follow([1], [1, 2, 3])


def test_behind_a_hole_no_cell_is_a_part() -> None:
    layout = FinalLayout([done(0, 0, 1500), done(1, 4000, 2000)], END, 1000)
    assert layout.pieces[2] == [(1000, 1500), (4000, 4500)]
    assert layout.scratch_numbers == [1, 2, 5, 6]
    assert layout.can_follow([1], [1])
    assert not layout.can_follow([1, 5], [1, 5])


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(100, 3000)), max_size=12),
    st.integers(64, 1500),
)
def test_every_byte_is_in_one_part_and_all_but_the_last_are_of_one_size(
    places: list[tuple[int, int]], cell: int
) -> None:
    at = 0
    entries: list[DoneEntry] = []
    expected: list[int] = []
    for position, (gap, length) in enumerate(places):
        at += gap
        entries.append(done(position % 10, at, length))
        expected += range(at, at + length)
        at += length
    layout = FinalLayout(entries, END, cell)
    found = [
        byte for pieces in layout.pieces.values() for start, stop in pieces
        for byte in range(start, stop)
    ]  # fmt: skip
    assert found == expected + list(range(*END))
    assert layout.size == len(found)
    sizes = [sum(stop - start for start, stop in pieces) for pieces in layout.pieces.values()]
    assert set(sizes[:-1]) <= {cell}
    assert 0 < sizes[-1] <= cell
    assert list(layout.pieces) == list(range(1, len(sizes) + 1))
