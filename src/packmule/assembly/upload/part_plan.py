r"""Which cells of the scratch are final, and so may go to the storage while an archive is made.

Owns the plan: pure, of one thread. Leaves sending, and giving back blocks, to `part_sender`.

    scratch  [a][b][------- c, open -------][d][e]
    grid     |   1   |   2   |   3   |   4   |
                       \_____________/
              may go when written; 1 and 4 wait for c's end

A part is a cell of a fixed grid over the scratch, which is laid out as the archive will be: part n
is the bytes from (n-1) * cell up to n * cell. So parts are of one size and numbered without gaps,
as the strictest stores want them (docs/decisions/0051). The law:

- A cell may go when all its bytes are of files that are done. One that lies within the body of a
  single open file may go when it is written; it is planned again if that file starts over.
- So a cell that is in the storage, and no longer in the scratch, is never needed here again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packmule.assembly.resuming import body_ranges, entry_end
from packmule.errors import UploadLost
from packmule.jobs.model import Part, Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from packmule.assembly.ledger import Mark
    from packmule.jobs.model import DoneEntry, OpenEntry, Remembered


@dataclass(slots=True)
class _Inner:
    """The cells within an open file's body that have been planned."""

    offset: int
    version: int
    numbers: set[int] = field(default_factory=set)


class PartPlan:
    """The parts of one archive; `cell` is None until there is enough to choose a grid for.

    `choose_cell` is asked for the grid's cell, in bytes, where the archive now ends and how many of
    its files have a place.
    """

    def __init__(
        self,
        cell: int | None,
        most: int,
        choose_cell: Callable[[int, int], int],
        remembered: Remembered,
    ) -> None:
        self.cell = cell
        self._choose_cell = choose_cell
        self._most = most
        self._begun = remembered.begun
        self._told = remembered.upload
        self.parts: dict[int, Part] = {part.number: part for part in remembered.parts}
        self._inner: dict[int, _Inner] = {}
        self._filled: dict[int, int] = {}
        self._pending: list[tuple[int, int]] = []
        self._files = 0
        self._end = 0
        self._fresh: dict[int, Part] = {}
        self._lost: set[int] = set()
        self._ready: list[int] = []
        self._restore(remembered)

    @property
    def waits(self) -> bool:
        """Return whether a part is still to be sent that is planned."""
        return any(part.etag is None for part in self.parts.values())

    # What has changed since the last look.

    def give_up(self, open_now: Iterable[Mark], failed: Iterable[int]) -> None:
        """Drop the cells of files that have failed, or started over."""
        for mark in open_now:
            inner = self._inner.get(mark.position)
            if inner is not None and (inner.offset, inner.version) != mark[1:]:
                self._forget(mark.position)
        for position in failed:
            if position in self._inner:
                self._forget(position)

    def note(self, sent: Part, etag: str) -> Part | None:
        """Record that the storage has a part; None if its bytes have become others meanwhile."""
        if self.parts.get(sent.number) is not sent:
            return None
        part = self.parts[sent.number] = self._fresh[sent.number] = sent._replace(etag=etag)
        return part

    def plan(self, done: Iterable[DoneEntry], opened: Iterable[tuple[Mark, OpenEntry]]) -> None:
        """Plan the cells that are final now. Raises UploadLost if the grid is too fine for them."""
        opened = tuple(opened)
        for each in done:
            self._count(each)
        ends = (entry.offset + entry.header_size + entry.size for _, entry in opened)
        end = max(self._end, *ends) if opened else self._end
        self._settle_cell(end, self._files + len(opened))
        if self.cell is not None and end > self.cell * self._most:
            raise UploadLost(
                f"The archive has grown beyond {self._most:,} parts of {self.cell:,} bytes. It is "
                "uploaded again in larger ones."
            )
        for mark, entry in opened:
            self._plan_inner(mark, entry)

    def take_changes(self, upload: str | None) -> Uploads | None:
        """Return what the next checkpoint must say; None where it need say nothing."""
        if not self._fresh and not self._lost and upload == self._told:
            return None
        self._told = upload
        self._begun = max((self._begun, *self._fresh, *self._lost))
        changes = Uploads(upload, self._begun, tuple(self._fresh.values()), tuple(self._lost))
        self._fresh.clear()
        self._lost.clear()
        return changes

    def take_ready(self) -> list[Part]:
        """Return the parts that may go now."""
        ready, self._ready = self._ready, []
        planned = [self.parts[number] for number in dict.fromkeys(ready) if number in self.parts]
        return [part for part in planned if part.etag is None]

    def plan_all(self, numbers: Iterable[int]) -> None:
        """Plan cells whatever they hold."""
        for number in numbers:
            self._begin(number)

    # The planning itself.

    def _count(self, entry: DoneEntry) -> None:
        """Count the bytes of a file that is done."""
        self._files += 1
        inner = self._inner.get(entry.position)
        if inner is not None:
            if inner.offset == entry.offset:
                del self._inner[entry.position]
            else:
                self._forget(entry.position)
        stop = entry_end(entry)
        self._end = max(self._end, stop)
        if self.cell is not None:
            self._fill(entry.offset, stop)
        elif self._pending and self._pending[-1][1] == entry.offset:
            self._pending[-1] = (self._pending[-1][0], stop)
        else:
            self._pending.append((entry.offset, stop))

    def _settle_cell(self, end: int, files: int) -> None:
        """Choose the grid once a cell of it could be full."""
        if self.cell is None and end >= (cell := self._choose_cell(end, files)):
            self.cell = cell
            for start, stop in self._pending:
                self._fill(start, stop)
            self._pending.clear()

    def _fill(self, start: int, stop: int) -> None:
        cell = self.cell or 1
        for index in range(start // cell, (stop - 1) // cell + 1):
            length = min(stop, (index + 1) * cell) - max(start, index * cell)
            filled = self._filled[index] = self._filled.get(index, 0) + length
            if filled == cell:
                del self._filled[index]
                self._begin(index + 1)

    def _plan_inner(self, mark: Mark, entry: OpenEntry) -> None:
        """Plan the cells that lie within a file's body and are written."""
        cell = self.cell
        if cell is None:
            return
        inner = self._inner.get(entry.position)
        if inner is None:
            inner = _Inner(entry.offset, mark.version)
        for start, stop in body_ranges(entry):
            for number in range(-(-start // cell) + 1, stop // cell + 1):
                if number not in inner.numbers:
                    inner.numbers.add(number)
                    self._begin(number)
        if inner.numbers:
            self._inner[entry.position] = inner

    def _begin(self, number: int) -> None:
        if number not in self.parts:
            cell = self.cell or 1
            self.parts[number] = Part(number, (((number - 1) * cell, number * cell),))
            self._ready.append(number)

    def _forget(self, position: int) -> None:
        for number in self._inner.pop(position).numbers:
            self.parts.pop(number, None)
            self._fresh.pop(number, None)
            self._lost.add(number)

    def _restore(self, remembered: Remembered) -> None:
        """Take up what an earlier run has uploaded."""
        if self.cell is not None:
            for opened in remembered.open:
                numbers = {
                    number
                    for start, stop in body_ranges(opened)
                    for number in range(-(-start // self.cell) + 1, stop // self.cell + 1)
                    if number in self.parts
                }
                if numbers:
                    self._inner[opened.position] = _Inner(opened.offset, 0, numbers)
        for entry in remembered.done:
            self._count(entry)
