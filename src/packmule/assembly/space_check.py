"""Whether there is room for what an archive is about to take.

Owns the question, asked before each place is reserved: the archive's limit, and the disk's reserve.
An archive that is uploaded while it is assembled needs no room for the whole: its scratch is
bounded by `scratch_budget`, and only a disk without any room to spare stops it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from packmule.errors import ArchiveTooLarge, DiskFull

if TYPE_CHECKING:
    from pathlib import Path

    from packmule.assembly.disk.disk_file import DiskFile
    from packmule.assembly.resources import AssemblyLimits
    from packmule.errors import PackmuleError

_STEP = 64 * 1024 * 1024


class SpaceCheck:
    """The room for one archive, in `folder`; up to a length of `until` nothing need be asked.

    `is_uploaded`: while it is assembled.
    """

    def __init__(self, folder: Path, limits: AssemblyLimits, *, is_uploaded: bool) -> None:
        self._folder = folder
        self._limits = limits
        self._is_uploaded = is_uploaded
        self._free_until = 0
        self.until = 0

    def refusal(self, tail: int, file: DiskFile) -> PackmuleError | None:
        """Return why the archive in this file may not grow to `tail` bytes; None where it may."""
        limits = self._limits
        refusal: PackmuleError | None = None
        if tail > limits.max_archive_bytes:
            limit = limits.max_archive_bytes
            refusal = ArchiveTooLarge(f"the archive would exceed {limit:,} bytes")
        if tail > self._free_until:
            full = self._look(tail, file)
            refusal = refusal or full
        self.until = min(self._free_until, limits.max_archive_bytes)
        return refusal

    def _look(self, tail: int, file: DiskFile) -> DiskFull | None:
        """Look how much the disk has to spare, until `_free_until`."""
        stat = os.statvfs(self._folder)
        free = stat.f_bavail * stat.f_frsize - self._limits.min_free_bytes
        if self._is_uploaded:
            self._free_until = tail + _STEP if free > 0 else 0
        else:
            # Places reserved but not yet written are not in the free space; they count as tail.
            self._free_until = file.allocated() + free
        refusal = None
        if tail > self._free_until:
            detail = f"the disk has {max(0, free):,} bytes to spare, too few for this archive"
            wanted = tail - self._free_until + stat.f_bavail * stat.f_frsize
            refusal = DiskFull(f"{detail}: free some, then retry", wanted)
        self._free_until = min(self._free_until, tail + _STEP)
        return refusal
