"""A file that is written at given offsets, past the page cache where that can be.

Owns two descriptors of one file: with O_DIRECT for whole pages, buffered for the unaligned rest.
O_DIRECT halves the time of a big archive and makes fdatasync nearly free; where it is refused
(tmpfs, some network file systems) all writes are buffered. Leaves threads and order to `blocks`.

    offset   X          ceil(X)                           floor(Y)        Y
             |-buffered-|------------ O_DIRECT -----------|---buffered----|

Blocks are given back to the disk with fallocate(2), which Python has no call for, by way of libc.
Where system or file system do not know it nothing is done: the file is larger then, and right.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Self

from packmule import durable_files
from packmule.errors import DiskFull, PackmuleError, StorageFailed

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 4096
_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02

_libc = ctypes.CDLL(None, use_errno=True)
# With 64-bit offsets on every platform that has it.
_fallocate = getattr(_libc, "fallocate64", None) or getattr(_libc, "fallocate", None)
if _fallocate is not None:
    _fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    _fallocate.restype = ctypes.c_int

_DIRECT = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW

# Below this many whole pages the page cache is as good, and it gathers small neighbours.
_LEAST_DIRECT = 16 * PAGE
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def translated(error: OSError, path: Path) -> PackmuleError:
    """Turn an error of the operating system into ours, in words for people."""
    if error.errno in _FULL:
        return DiskFull(f"there is no room left to write {path.name}: free some, then retry")
    return StorageFailed(f"writing {path.name} failed: {error.strerror}")


def punch_hole(descriptor: int, start: int, stop: int) -> bool:
    """Return the whole pages within a range; False where that cannot be done here.

    What else the pages at its ends hold stays.
    """
    first = -(-start // PAGE) * PAGE
    length = stop // PAGE * PAGE - first
    if length <= 0:
        return True
    if _fallocate is None:
        return False
    while _fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, first, length) != 0:
        if ctypes.get_errno() != errno.EINTR:
            return False
    return True


class DiskFile:
    """One file open for writing at offsets; every method raises DiskFull or StorageFailed.

    Bodies are not written where fewer than `reserve` bytes of the disk would stay free.
    """

    def __init__(self, path: Path, reserve: int = 0) -> None:
        self.path = path
        self.reserve = reserve
        try:
            self._buffered = durable_files.open_own(path)
        except OSError as error:
            raise translated(error, path) from error
        self._direct: int | None
        try:
            self._direct = os.open(path, _DIRECT | os.O_DIRECT)  # macOS has no such flag
        except (OSError, AttributeError):
            self._direct = None

    @classmethod
    def nameless(cls, path: Path, reserve: int = 0) -> Self:
        """Open a new file and take its name away, so that it is gone once nobody has it open."""
        path.unlink(missing_ok=True)
        file = cls(path, reserve)
        path.unlink()
        return file

    @property
    def is_direct(self) -> bool:
        """Return whether whole pages go past the page cache."""
        return self._direct is not None

    def write_block(self, view: memoryview, start: int, end: int, base: int) -> None:
        """Write `view[start:end]`, where `view[0]` belongs at file offset `base`.

        `base` is a multiple of the page, and the view begins on one in memory.
        """
        self._keep_reserve(end - start)
        first = -(-start // PAGE) * PAGE
        last = end // PAGE * PAGE
        if self._direct is None or last - first < _LEAST_DIRECT:
            self.write(view[start:end], base + start)
            return
        if start < first:
            self.write(view[start:first], base + start)
        if not self._write_direct(view[first:last], base + first):
            self.write(view[first:last], base + first)
        if last < end:
            self.write(view[last:end], base + last)

    def write(self, data: memoryview | bytes, offset: int) -> None:
        """Write bytes at an offset through the page cache."""
        try:
            durable_files.write_at(self._buffered, data, offset)
        except OSError as error:
            raise translated(error, self.path) from error

    def _write_direct(self, view: memoryview, offset: int) -> bool:
        """Write whole pages; False where the file system will not take them this way."""
        fd = self._direct
        if fd is None:
            return False
        try:
            while view:
                written = os.pwrite(fd, view, offset)
                if written % PAGE:  # the disk took part of a page: the rest is no longer aligned
                    self.write(view[written:], offset + written)
                    return True
                view = view[written:]
                offset += written
        except OSError as error:
            if error.errno == errno.EINVAL:
                os.close(fd)
                self._direct = None
                self.write(view, offset)
                return True
            raise translated(error, self.path) from error
        return True

    def copy_range(self, other: DiskFile, source: int, length: int, offset: int) -> None:
        """Copy a range of another file to an offset, within the kernel where it can."""
        self._keep_reserve(length)
        try:
            copied = durable_files.copy_range(
                other._buffered, source, length, self._buffered, offset
            )
        except OSError as error:
            raise translated(error, self.path) from error
        if copied < length:
            raise StorageFailed(f"{other.path.name} is shorter than what was written to it")

    def _keep_reserve(self, length: int) -> None:
        """Refuse to write bytes that would take the disk's reserve.

        Asked before each block, since jobs that run side by side see each other's bytes only as
        what is free no more.
        """
        if not self.reserve:
            return
        spare = self.disk_free() - self.reserve
        if length > spare:
            raise DiskFull(
                f"the disk has {max(0, spare):,} bytes to spare, too few to write "
                f"{self.path.name}: free some, then retry",
                self.reserve + length,
            )

    def read(self, offset: int, length: int) -> bytes:
        """Read a range; fewer bytes only where the file ends."""
        pieces = []
        try:
            while length and (piece := os.pread(self._buffered, length, offset)):
                pieces.append(piece)
                offset += len(piece)
                length -= len(piece)
        except OSError as error:
            raise StorageFailed(f"reading {self.path.name} failed: {error.strerror}") from error
        return b"".join(pieces)

    def truncate(self, length: int) -> None:
        """Cut the file, or extend it with zeros, to a length."""
        try:
            os.ftruncate(self._buffered, length)
        except OSError as error:
            raise translated(error, self.path) from error

    def sync(self) -> None:
        """Make what was written survive a power cut (fdatasync)."""
        try:
            durable_files.sync_data(self._buffered)
        except OSError as error:
            raise translated(error, self.path) from error

    def size(self) -> int:
        """Return the file's length in bytes."""
        return os.fstat(self._buffered).st_size

    def allocated(self) -> int:
        """Return how many bytes of the disk the file takes; holes take none."""
        return os.fstat(self._buffered).st_blocks * 512

    def disk_free(self) -> int:
        """Return how many bytes the disk may still take."""
        stat = os.fstatvfs(self._buffered)
        return stat.f_bavail * stat.f_frsize

    def punch(self, start: int, stop: int) -> None:
        """Return the blocks of a range to the disk, where it can; its bytes are gone."""
        punch_hole(self._buffered, start, stop)

    def close(self) -> None:
        """Close the descriptors."""
        os.close(self._buffered)
        if self._direct is not None:
            os.close(self._direct)
            self._direct = None
