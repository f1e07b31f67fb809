"""Whether an archive in the making has room: its own limit, and what the disk can spare.

Owns when room is asked for. A length that an origin announces costs nobody anything: an archive may
grow until `limits.max_archive_bytes`, and its file is sparse. Room is made a step at a time, ahead
of bytes that really arrive; what is announced is only used to fail early, where all room that could
be made would not be enough (docs/decisions/0039). Leaves refusing a write that would take the
disk's reserve to `disk_file`.

An archive that is uploaded while it is assembled needs no room for the whole: its scratch is
bounded by `scratch_budget`, and only a disk without any room to spare stops it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from packmule.errors import ArchiveTooLarge, DiskFull

if TYPE_CHECKING:
    from pathlib import Path

    from packmule.assembly.disk.placed_file import PlacedFile
    from packmule.assembly.resources import AssemblyLimits

LEAST_STEP = 16 * 1024 * 1024
MOST_STEP = 256 * 1024 * 1024
"""Bytes that are kept free ahead of what arrives, while more is announced than fits.

Between the two it is as much as has arrived so far.
"""

MakeRoom = Callable[[int | None, int], bool]
"""`make_room(wanted, in_all)`: try to have `wanted` bytes free, or some where that is None.

Return False, and remove nothing, where `in_all` bytes could not be made free.
"""


class SpaceCheck:
    """The room for one archive, in `folder`; `is_uploaded`: while it is assembled."""

    def __init__(
        self,
        folder: Path,
        limits: AssemblyLimits,
        *,
        is_uploaded: bool,
        make_room: MakeRoom,
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._is_uploaded = is_uploaded
        self._make_room = make_room
        self._judged = 0
        self.until = limits.max_archive_bytes

    def refusal(self) -> ArchiveTooLarge:
        """Return why the archive may not grow beyond `until`."""
        return ArchiveTooLarge(f"the archive would exceed {self.until:,} bytes")

    def secure(self, tail: int, file: PlacedFile) -> None:
        """Secure room for what arrives next in an archive that is to be `tail` bytes long.

        To be called every second or so, by the job's thread. Raises DiskFull where there is no
        room, or not enough for all that is announced.
        """
        free = _free_bytes(self._folder)
        reserve = self._limits.min_free_bytes
        spare = free - reserve
        if self._is_uploaded:
            if spare <= 0:
                raise _too_full(spare, reserve + 1, reserve + 1)
            return
        # Places that are reserved and not written yet take none of the disk.
        arrived = file.allocated()
        rest = max(0, tail - arrived)
        if rest <= spare:
            return
        step = min(max(LEAST_STEP, arrived), MOST_STEP)
        if spare >= step and tail <= self._judged:
            return
        wanted, in_all = reserve + min(rest, step), reserve + rest
        if not self._make_room(wanted, in_all):
            raise _too_full(spare, wanted, in_all)
        self._judged = tail


def _free_bytes(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def _too_full(spare: int, wanted: int, in_all: int) -> DiskFull:
    detail = f"the disk has {max(0, spare):,} bytes to spare, too few for this archive"
    return DiskFull(f"{detail}: free some, then retry", wanted, in_all)
