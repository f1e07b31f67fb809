"""The files of an archive that are done, in columns: a million of them take 50 bytes each.

Owns how they are held in memory. As tuples of Python's numbers they would take 250 bytes each, and
the garbage collector would look at every one again and again.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from packmule.jobs.model import DoneEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packmule.errors import WarningCode

_NO_DATE: Final = -(1 << 63)


class DoneEntries:
    """The entries that are done, in the order in which they were added. Used under a lock."""

    def __init__(self, entries: Iterable[DoneEntry] = ()) -> None:
        self._names: list[str] = []
        self._positions = array("Q")
        self._offsets = array("Q")
        self._methods = array("H")
        self._crcs = array("I")
        self._compressed_sizes = array("Q")
        self._sizes = array("Q")
        self._dates = array("q")
        self._warnings: dict[int, WarningCode] = {}
        self._receipts: dict[int, str] = {}
        self._recent: list[DoneEntry] = []
        self.extend(list(entries))
        self.settle(len(self))

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> DoneEntry:
        date = self._dates[index]
        return DoneEntry(
            self._positions[index],
            self._names[index],
            self._offsets[index],
            self._methods[index],
            self._crcs[index],
            self._compressed_sizes[index],
            self._sizes[index],
            None if date == _NO_DATE else date,
            self._warnings.get(index),
            self._receipts.get(index),
        )

    def __iter__(self) -> Iterator[DoneEntry]:
        return map(self.__getitem__, range(len(self)))

    def extend(self, entries: Sequence[DoneEntry]) -> None:
        """Add entries."""
        if not entries:
            return
        before = len(self)
        columns = zip(*entries, strict=True)
        positions, names, offsets, methods, crcs, compressed_sizes, sizes, dates, *rare = columns
        warnings, receipts = rare
        self._names.extend(names)
        self._positions.extend(positions)
        self._offsets.extend(offsets)
        self._methods.extend(methods)
        self._crcs.extend(crcs)
        self._compressed_sizes.extend(compressed_sizes)
        self._sizes.extend(sizes)
        self._dates.extend([_NO_DATE if date is None else date for date in dates])
        if any(warnings):
            found = enumerate(warnings, before)
            self._warnings.update((index, code) for index, code in found if code is not None)
        if any(receipts):
            self._receipts.update(
                (index, one) for index, one in enumerate(receipts, before) if one is not None
            )
        self._recent.extend(entries)

    def since(self, count: int) -> tuple[DoneEntry, ...]:
        """Return the entries after the first `count`, which are not settled."""
        return tuple(self._recent[count - len(self) + len(self._recent) :])

    def settle(self, count: int) -> None:
        """Keep the first `count` in columns only: `since` is asked for later ones from now on."""
        del self._recent[: count - len(self) + len(self._recent)]

    def warned(self) -> Iterator[tuple[int, WarningCode]]:
        """Iterate over the positions of those that have a warning, with it."""
        return ((self._positions[index], code) for index, code in self._warnings.items())

    def by_position(self) -> Iterator[DoneEntry]:
        """Iterate in the caller's order."""
        return self._sorted_by(self._positions)

    def by_offset(self) -> Iterator[DoneEntry]:
        """Iterate in the order in which they lie in the archive."""
        return self._sorted_by(self._offsets)

    def _sorted_by(self, column: array[int]) -> Iterator[DoneEntry]:
        return map(self.__getitem__, sorted(range(len(self)), key=column.__getitem__))
