"""How much of the disk the archives under way may take that are uploaded while they are assembled.

Owns the bound, for all archives of one worker together. Leaves who waits, and until when, to
`part_sender`, since only who has something to send gets smaller by waiting.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packmule.assembly.disk.disk_file import DiskFile

# As many go on whatever the scratch holds: what they bring is what can be uploaded next.
_ALWAYS_UNDER_WAY = 4
# What may still be on its way to the disk when it is noticed that there is enough: the pool's
# blocks, and what comes between two looks. A quarter of the bound at most.
_ON_ITS_WAY = 128 * 1024 * 1024


class ScratchBudget:
    """The scratch files of uploading archives; any thread's. `most` in bytes, `reserve` stays free.

    Where the disk has little to spare, no more than half of that is taken.
    """

    def __init__(self, most: int, reserve: int) -> None:
        self._most = most - min(_ON_ITS_WAY, most // 4)
        self._reserve = reserve
        self._files: set[DiskFile] = set()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<ScratchBudget files={len(self._files)} most={self._most}>"

    def add(self, file: DiskFile) -> None:
        """Count a file from now on."""
        with self._lock:
            self._files.add(file)

    def remove(self, file: DiskFile) -> None:
        """Count a file no more; it may be closed when this returns."""
        with self._lock:
            self._files.discard(file)

    @property
    def is_over(self) -> bool:
        """Return whether the files take, or soon will, more than they may."""
        with self._lock:
            used = sum(file.allocated() for file in self._files)
            spare = min((file.disk_free() for file in self._files), default=0) - self._reserve
        return used > self._most or used > max(0, spare)

    def may_start(self, under_way: int) -> bool:
        """Return whether another transfer may begin beside those under way."""
        return under_way < _ALWAYS_UNDER_WAY or not self._files or not self.is_over
