"""Which bytes of the scratch become which part of an archive that is uploaded while it is made.

Owns the plan: pure, of one thread. Leaves sending, and giving back blocks, to `part_sender`.

    scratch   [a][b][---- c, open ----][d][------- e, failed -------][f]
    parts     1: a b d f    2: c's header and beginning    3, 4, ...: c's middle    last: directory

Parts follow one another in the archive by number, whatever their order in the scratch. So a part
holds whole entries that are done, or a slice of one big entry; and an entry that fails after slices
of it were uploaded leaves no hole: its parts are not named when the object is made. The law:

- A number stands for the same bytes for ever: what is given up is not given away again, so that a
  late writer, believed dead, can only write what is there already (docs/decisions/0029).
- A big entry's first slice holds its header and waits for its end; the others go when written.
- Every part but the last is at least as large as the storage wants it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packmule.assembly.resuming import entry_end, holds, written_ranges
from packmule.errors import StorageFailed
from packmule.jobs.model import Part, Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from packmule.assembly.ledger import Mark
    from packmule.jobs.model import DoneEntry, OpenEntry, Remembered


@dataclass(slots=True)
class _Sliced:
    """A big entry under way: the numbers of its slices, and of those that may not go yet."""

    offset: int
    version: int
    numbers: list[int]
    waiting: list[int] = field(default_factory=list)


class PartPlan:
    """The parts of one archive; `size_of` says how large a part of a number is to be, at least."""

    def __init__(self, size_of: Callable[[int], int], most: int, remembered: Remembered) -> None:
        self._size_of = size_of
        self._most = most
        self.begun = self._told = remembered.begun
        self.parts: dict[int, Part] = {part.number: part for part in remembered.parts}
        self._sliced: dict[int, _Sliced] = {}
        self._pool: list[tuple[int, int]] = []
        self._pooled = 0
        self._fresh: dict[int, Part] = {}
        self._lost: list[int] = []
        self._ready: list[int] = []
        self._restore(remembered)

    @property
    def waits(self) -> bool:
        """Return whether a part is still to be sent that is planned."""
        return any(part.etag is None for part in self.parts.values())

    # What has changed since the last look.

    def give_up(self, open_now: Iterable[Mark], failed: Iterable[int]) -> None:
        """Drop the slices of entries that have failed, or begun anew."""
        for mark in open_now:
            sliced = self._sliced.get(mark.position)
            if sliced is not None and (sliced.offset, sliced.version) != mark[1:]:
                self._forget(mark.position)
        for position in failed:
            if position in self._sliced:
                self._forget(position)

    def note(self, number: int, etag: str) -> Part | None:
        """Record that the storage has a part; None where nobody wants it any more."""
        part = self.parts.get(number)
        if part is None:
            return None
        part = self.parts[number] = self._fresh[number] = part._replace(etag=etag)
        return part

    def plan(self, done: Iterable[DoneEntry], opened: Iterable[tuple[Mark, OpenEntry]]) -> None:
        """Plan the parts of entries that are done now, and of big ones as far as they are."""
        for entry in done:
            sliced = self._sliced.get(entry.position)
            if sliced is not None and sliced.offset == entry.offset:
                self._ready += sliced.waiting
                del self._sliced[entry.position]
                continue
            if sliced is not None:
                self._forget(entry.position)
            self._take(entry.offset, entry_end(entry))
        for mark, body in opened:
            self._slice(mark, body)

    def take_changes(self, upload: str | None) -> Uploads | None:
        """Return what the next checkpoint must say; None where it need say nothing."""
        if not self._fresh and not self._lost and self._told == self.begun:
            return None
        self._told = self.begun
        changes = Uploads(upload, self.begun, tuple(self._fresh.values()), tuple(self._lost))
        self._fresh.clear()
        self._lost.clear()
        return changes

    def take_ready(self) -> list[Part]:
        """Return the parts that may go, once the changes are recorded."""
        ready = [self.parts[number] for number in self._ready if number in self.parts]
        self._ready.clear()
        return [part for part in ready if part.etag is None]

    def rest(self) -> list[tuple[int, int]]:
        """Return what is in no part yet: the beginning of the last one."""
        return list(self._pool)

    def begin_last(self) -> int:
        """Return the number of the last part, behind all others; it may be small.

        It is not kept as the others are: whoever takes the archive up makes it anew.
        """
        self.begun += 1
        return self.begun

    # The planning itself.

    def _take(self, start: int, stop: int) -> None:
        """Plan an entry that is done: in slices where it is big, else with its likes."""
        each = self._size_of(self.begun + 1)
        if stop - start >= each:
            self._ready += self._cut(start, stop, each)
            return
        if self._pool and self._pool[-1][1] == start:
            self._pool[-1] = (self._pool[-1][0], stop)
        else:
            self._pool.append((start, stop))
        self._pooled += stop - start
        if self._pooled >= each:
            self._ready.append(self._begin(self._pool))
            self._pool, self._pooled = [], 0

    def _slice(self, mark: Mark, entry: OpenEntry) -> None:
        """Plan the slices of an open entry that is big, and let those go that are written."""
        written = written_ranges(entry)
        sliced = self._sliced.get(entry.position)
        if sliced is None:
            each = self._size_of(self.begun + 1)
            stop = entry.offset + entry.header_size + entry.size
            if entry.header_size + entry.bytes_written < each or stop - entry.offset < 3 * each:
                return
            numbers = self._cut(entry.offset, stop, each)
            sliced = _Sliced(entry.offset, mark.version, numbers, list(numbers))
            self._sliced[entry.position] = sliced
        elif (sliced.offset, sliced.version) != mark[1:]:
            return
        # Not the first: it holds the header. Not the last either: its last byte may be written,
        # but that the origin sends no more than announced is known only when the entry is done.
        may_go = [
            number
            for number in sliced.waiting
            if number not in {sliced.numbers[0], sliced.numbers[-1]}
            and all(holds(written, *extent) for extent in self.parts[number].extents)
        ]
        self._ready += may_go
        sliced.waiting = [number for number in sliced.waiting if number not in may_go]

    def _cut(self, start: int, stop: int, each: int) -> list[int]:
        """Plan slices of a range; the last takes what is left over, so none is too small."""
        count = (stop - start) // each
        ends = [start + each * (index + 1) for index in range(count - 1)] + [stop]
        starts = [start, *ends[:-1]]
        return [self._begin([extent]) for extent in zip(starts, ends, strict=True)]

    def _begin(self, extents: Sequence[tuple[int, int]]) -> int:
        if self.begun >= self._most - 1:  # one is for the end
            raise StorageFailed(
                f"the archive has come to more than {self._most:,} parts; a retry begins anew"
            )
        self.begun += 1
        number = self.begun
        self.parts[number] = self._fresh[number] = Part(number, tuple(extents))
        return number

    def _forget(self, position: int) -> None:
        for number in self._sliced.pop(position).numbers:
            del self.parts[number]
            self._fresh.pop(number, None)
            self._lost.append(number)

    def _restore(self, remembered: Remembered) -> None:
        """Take up what an earlier run has planned."""
        owners = sorted(
            [(start, part.number) for part in remembered.parts for start, _ in part.extents]
        )
        starts = [start for start, _ in owners]

        def owner(offset: int) -> int | None:
            """Find the part that holds this byte."""
            at = bisect_right(starts, offset) - 1
            number = owners[at][1] if at >= 0 else 0
            extents = self.parts[number].extents if number else ()
            return number if any(start <= offset < stop for start, stop in extents) else None

        for opened in remembered.open:
            if (first := owner(opened.offset)) is not None:
                stop = opened.offset + opened.header_size + opened.size
                numbers = [first]
                while self.parts[numbers[-1]].extents[-1][1] < stop:
                    numbers.append(numbers[-1] + 1)
                waiting = [number for number in numbers if self.parts[number].etag is None]
                self._sliced[opened.position] = _Sliced(opened.offset, 0, numbers, waiting)
        held_back = {number for each in self._sliced.values() for number in each.waiting}
        self._ready += [
            part.number
            for part in self.parts.values()
            if part.etag is None and part.number not in held_back
        ]
        for entry in sorted(remembered.done, key=lambda entry: entry.offset):
            if owner(entry.offset) is None:
                self._take(entry.offset, entry_end(entry))
