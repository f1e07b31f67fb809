"""Which part of a split archive each entry goes into.

Owns the choice, and what each part will have taken with its directory. Entries go into the current
area until one does not fit; then the next area is current. One that fits into no part at all gets
an area to itself, and the current one stays. Places that are given up stay counted: a part may be
smaller than it could be, and is never larger than it may be, unless it is of one file.

    current area                                       limit
    [header][body][header][body]    [directory, at most]|
                                ^ the next entry, if its header, body and line still fit

Runs in the transfer loop's thread, but for `current`, `total` and `on_disk`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from packmule.assembly.resuming import entry_end
from packmule.errors import ArchiveTooLarge
from packmule.jobs.split_places import AREA_SPAN, MOST_PARTS, area_begin, area_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from packmule.errors import PackmuleError
    from packmule.jobs.model import ArchivePart, Remembered

_LINE_BEYOND_HEADER: Final = 44
"""A line of the directory is longer than the local header: by 16 bytes, and 28 for zip64."""

END_BYTES: Final = 98
"""The end records at most, those of zip64 included."""


def line_bytes(header_size: int) -> int:
    """Return how many bytes of the directory an entry takes at most."""
    return header_size + _LINE_BEYOND_HEADER


def entry_bytes(header_size: int, length: int) -> int:
    """Return how many bytes of a part an entry takes at most; `length` is its body's."""
    return header_size + length + line_bytes(header_size)


class SplitPlan:
    """Chooses places for entries, in parts of `limit` bytes.

    `remembered` is what earlier runs have left, `published` which areas are complete. `fail` is
    told where there would be too many parts.
    """

    def __init__(
        self,
        limit: int,
        remembered: Remembered,
        published: Iterable[ArchivePart],
        fail: Callable[[PackmuleError], None] = lambda _error: None,
    ) -> None:
        self._limit = limit
        self.fail = fail
        sizes = {part.area: part.size for part in published}
        lengths: dict[int, int] = defaultdict(int)
        lines: dict[int, int] = defaultdict(int)
        for place, header_size, end in _spans(remembered):
            area = area_of(place)
            if area not in sizes:
                lengths[area] = max(lengths[area], end - area_begin(area))
                lines[area] += line_bytes(header_size)
        self._lengths = lengths
        self._begun = max([-1, *sizes, *lengths]) + 1
        with_room = (
            area for area in lengths if lengths[area] + lines[area] + END_BYTES < self._limit
        )
        current = max(with_room, default=None)
        self._published = sum(sizes.values())
        self._settled = self._published + sum(lengths.values())
        if current is None:
            self.current = self.begin_area()
            self.tail = area_begin(self.current)
        else:
            self.current = current
            self.tail = area_begin(current) + lengths[current]
            self._settled -= lengths.pop(current)
        self._lines = lines[self.current]

    def __repr__(self) -> str:
        return f"<SplitPlan of {self._begun} areas, current {self.current}>"

    def choose(self, tail: int, header_size: int, length: int, *, may_stand_aside: bool) -> int:
        """Return the place of the next entry: `tail`, or the beginning of another area.

        `tail` is where the current area ends. With `may_stand_aside` it may be one that does not
        become the current one.
        """
        size, line = header_size + length, line_bytes(header_size)
        filled = tail % AREA_SPAN
        if not filled or filled + self._lines + size + line + END_BYTES <= self._limit:
            self._lines += line
            return tail
        area = self.begin_area()
        if may_stand_aside and size + line + END_BYTES > self._limit:
            self._lengths[area] = size
            self._settled += size
        else:
            self._lengths[self.current] = filled
            self._settled += filled
            self._lines = line
            self.current = area
        return area_begin(area)

    def begin_area(self) -> int:
        """Return the number of an area that nothing is in."""
        area = self._begun
        if area >= MOST_PARTS:
            self.fail(
                ArchiveTooLarge(
                    f"the archive would have more than {MOST_PARTS:,} parts: create it with a "
                    "larger max_part_bytes"
                )
            )
        self._begun = area + 1
        return area

    def total(self, tail: int) -> int:
        """Return how long all parts are together, places included."""
        return self._settled + tail % AREA_SPAN

    def on_disk(self, tail: int) -> int:
        """Return how much of that is not published yet."""
        return self.total(tail) - self._published

    def published(self, area: int) -> None:
        """Record that an area has become a part: what is published takes no scratch."""
        self._published += self._lengths.pop(area, 0)


def _spans(remembered: Remembered) -> Iterator[tuple[int, int, int]]:
    """Yield where each entry begins, how long its header is, and where it ends."""
    for done in remembered.done:
        end = entry_end(done)
        yield done.offset, end - done.offset - done.compressed_size, end
    for entry in remembered.open:
        yield entry.offset, entry.header_size, entry.offset + entry.header_size + entry.size
