"""The files of a split archive's areas, written as one.

Owns which file a place is in (`jobs/split_places.py`). Leaves where the files are, and whose, to
whoever gives `claim`. A body, and a block of small ones, lies in one area.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from packmule.assembly.disk.disk_file import DiskFile
from packmule.jobs.split_places import area_begin, area_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class AreaFiles:
    """Opens the file of an area when it is first asked for (`PlacedFile`); used by any thread.

    `claim(area)` gives its path. `reserve` bytes of the disk stay free.
    """

    def __init__(self, claim: Callable[[int], Path], reserve: int) -> None:
        self._claim = claim
        self._reserve = reserve
        self._files: dict[int, DiskFile] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<AreaFiles {sorted(self._files)}>"

    def of(self, area: int) -> DiskFile:
        """Return the file of an area."""
        with self._lock:
            found = self._files.get(area)
            if found is None:
                found = self._files[area] = DiskFile(self._claim(area), self._reserve)
            return found

    def release(self, area: int) -> None:
        """Close the file of an area to which nothing is written any more."""
        with self._lock:
            self._files.pop(area).close()

    def write_block(self, view: memoryview, start: int, end: int, base: int) -> None:
        """Write `view[start:end]`, where `view[0]` belongs at place `base`."""
        file, base = self._at(base)
        file.write_block(view, start, end, base)

    def write(self, data: memoryview | bytes, offset: int) -> None:
        """Write bytes at a place."""
        file, offset = self._at(offset)
        file.write(data, offset)

    def copy_range(self, other: DiskFile, source: int, length: int, offset: int) -> None:
        """Copy a range of another file to a place."""
        file, offset = self._at(offset)
        file.copy_range(other, source, length, offset)

    def read(self, offset: int, length: int) -> bytes:
        """Read a range; fewer bytes only where the area's file ends."""
        file, offset = self._at(offset)
        return file.read(offset, length)

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        for file in self._open():
            file.sync()

    def allocated(self) -> int:
        """Return how many bytes of the disk the open files take."""
        return sum(file.allocated() for file in self._open())

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            files, self._files = self._files, {}
        for file in files.values():
            file.close()

    def _open(self) -> list[DiskFile]:
        with self._lock:
            return list(self._files.values())

    def _at(self, place: int) -> tuple[DiskFile, int]:
        area = area_of(place)
        return self.of(area), place - area_begin(area)
