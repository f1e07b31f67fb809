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

    from packmule.assembly.archive_file import ArchiveFile
    from packmule.assembly.resources import AssemblyLimits

_STEP = 64 * 1024 * 1024


class SpaceCheck:
    """The room for one archive, in `folder`; `is_uploaded`: while it is assembled."""

    def __init__(
        self, archive: ArchiveFile, folder: Path, limits: AssemblyLimits, *, is_uploaded: bool
    ) -> None:
        self._archive = archive
        self._folder = folder
        self._limits = limits
        self._is_uploaded = is_uploaded
        self._free_until = self._until = 0

    def check(self, length: int) -> None:
        """Stop the job where the archive would outgrow its limit, or the disk its reserve."""
        archive, limits = self._archive, self._limits
        tail = archive.tail + length
        if tail <= self._until:
            return
        if tail > limits.max_archive_bytes:
            limit = limits.max_archive_bytes
            archive.fail(ArchiveTooLarge(f"the archive would exceed {limit:,} bytes"))
        if tail > self._free_until:
            stat = os.statvfs(self._folder)
            free = stat.f_bavail * stat.f_frsize - limits.min_free_bytes
            if self._is_uploaded:
                self._free_until = tail + _STEP if free > 0 else 0
            else:
                # Places reserved but not yet written are not in the free space; they count as tail.
                self._free_until = archive.file.allocated() + free
            if tail > self._free_until:
                detail = f"the disk has {max(0, free):,} bytes to spare, too few for this archive"
                wanted = tail - self._free_until + stat.f_bavail * stat.f_frsize
                archive.fail(DiskFull(f"{detail}: free some, then retry", wanted))
            self._free_until = min(self._free_until, tail + _STEP)
        self._until = min(self._free_until, limits.max_archive_bytes)
