"""A file beside the SQLite database that is given up when the disk is full.

Owns when: so that jobs can still be cancelled and deleted, which is what makes room again, although
jobs or another program have filled the disk. See docs/decisions/0039.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RESERVE_BYTES = 8 * 1024 * 1024

# Less than a transaction of an ordinary size may need.
_SHORT = 4 * 1024 * 1024
_PLENTY = 8 * RESERVE_BYTES


class DatabaseReserve:
    """The reserve of the database at `path`, shared by all processes that write to it."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}-reserve")

    def release_if_full(self) -> None:
        """Release the reserve where the disk is full.

        To be called before each transaction that writes; costs microseconds. What the file system
        refuses is ignored: the transaction itself will say so.
        """
        with suppress(OSError):
            if self._free_bytes() < _SHORT:
                self._path.unlink(missing_ok=True)

    def take(self) -> None:
        """Take the reserve where there is plenty of room and it is not there."""
        with suppress(OSError):
            if self._free_bytes() > _PLENTY and not self._path.exists():
                self._create()

    def _free_bytes(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def _create(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(self._path, flags, 0o600)
        try:
            os.posix_fallocate(file, 0, RESERVE_BYTES)
        finally:
            os.close(file)
