"""Where the bytes of a finished archive come from: which ranges of the scratch make which part.

Owns the cutting of the archive into parts of one size, now that it is known what is in it; pure.

    scratch   [a][b][-- failed --][c][d]         | end
    archive   [a][b][c][d][end]
    parts     |   1    |   2    |3|

Without a hole, the parts are the cells of the scratch that are uploaded already, and the rest.
Behind a hole they are others, made of ranges that the scratch may have given back to the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.resuming import claimed_ranges
from packmule.jobs.model import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packmule.assembly.resuming import Ranges
    from packmule.jobs.model import DoneEntry


class FinalLayout:
    """The parts of an archive of these entries, then the bytes `end` of the scratch.

    Every part but the last has `cell` bytes.
    """

    def __init__(self, done: Iterable[DoneEntry], end: tuple[int, int], cell: int) -> None:
        self.cell = cell
        self._live = claimed_ranges(Remembered(done=tuple(done)))
        self.end = end
        self.pieces = dict(enumerate(_cut([*self._live, end], cell), 1))
        """The ranges of the scratch that each part is made of, by its number."""
        self.size = sum(stop - start for start, stop in [*self._live, end])

    @property
    def scratch_numbers(self) -> list[int]:
        """List the cells of the scratch that hold any byte of the archive's files."""
        numbers: dict[int, None] = {}
        for start, stop in self._live:
            numbers.update(
                dict.fromkeys(range(start // self.cell + 1, (stop - 1) // self.cell + 2))
            )
        return list(numbers)

    def is_cell(self, number: int) -> bool:
        """Return whether a part is the very cell of the scratch with its number."""
        return self.pieces[number] == [((number - 1) * self.cell, number * self.cell)]

    def can_follow(self, planned: Iterable[int], stored: Iterable[int]) -> bool:
        """Return whether all that the storage has are parts of this archive.

        `planned` are the numbers of the cells that were uploaded for what they hold; `stored` are
        all that were sent. If so, no other part needs a byte of those cells.
        """
        return all(number in self.pieces and self.is_cell(number) for number in planned) and all(
            number in self.pieces for number in stored
        )


def _cut(ranges: Ranges, cell: int) -> list[Ranges]:
    """Cut ranges, one behind the other, into lists of `cell` bytes; the last may be shorter."""
    cells: list[Ranges] = [[]]
    room = cell
    for start, stop in ranges:
        at = start
        while at < stop:
            if not room:
                cells.append([])
                room = cell
            end = min(stop, at + room)
            cells[-1].append((at, end))
            room -= end - at
            at = end
    return cells
