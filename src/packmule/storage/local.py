"""Storage in a directory of this machine.

Owns the layout below the data directory, and when a file is durably where it belongs:

    scratch/ab/<key>.<attempt>.zip   under assembly, as `scratch.py` has it
    archives/ab/<key>.zip            whole, never written again

`ab` are the key's first two digits. A file moves from the scratch to the archives and never back;
so whoever looks for it looks there in that order. A rename survives a power cut once the file
(before it) and both folders (after it) are synced: without the folder's, ext4 and xfs may lose it.
A folder that was made is synced into its own.

The entity tag is made of the archive's length and its modification time, which `publish` sets to
the clock's nanoseconds. It stays over restarts, moves and backups that keep times, since it is
stored with the bytes; and it changes whenever bytes may, since an archive is never written in place
and two publications are never of one nanosecond. The inode's number has no part in it: a restored
backup and some network and container mounts give new numbers to the same bytes.
"""

from __future__ import annotations

import errno
import os
import re
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from packmule.errors import DiskFull, StorageFailed, UsageError
from packmule.storage import reading, scratch
from packmule.storage.interface import StoredArchive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{2,64}")
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class LocalStorage:
    """Holds archives below `data_dir`, which is made where missing."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.absolute()

    @contextmanager
    def claim(self, key: str, attempt: int, claimed: Iterable[tuple[int, int]]) -> Iterator[Path]:
        """Hold the scratch file of an attempt, with what earlier ones left; see `interface.py`."""
        folder = self._folder("scratch", key)
        with ExitStack() as held:
            with _translated("The scratch file could not be taken"):
                _make_folder(folder)
                path = held.enter_context(scratch.claim(folder, key, attempt, claimed))
            yield path

    def publish(self, key: str, attempt: int, assembled: Path) -> StoredArchive:
        """Make what an attempt has assembled, beside its scratch, the archive; durably.

        Scratch of this and earlier attempts is removed.
        """
        archive = self._archive(key)
        with _translated("The archive could not be published"):
            _make_folder(archive.parent)
            _settle(assembled)
            assembled.rename(archive)
            return self._confirmed(key, attempt)

    def confirm(self, key: str, attempt: int) -> StoredArchive | None:
        """Look for an archive that an earlier attempt has published, and see to its rest."""
        with _translated("The archive could not be published"):
            return self._confirmed(key, attempt) if self._archive(key).exists() else None

    def _confirmed(self, key: str, attempt: int) -> StoredArchive:
        archive = self._archive(key)
        _sync_folder(archive.parent)
        self._remove_scratch(key, up_to=attempt)
        return _stored(archive)

    def find(self, key: str) -> StoredArchive | None:
        """Look an archive up."""
        with _translated("The archive could not be looked up"):
            try:
                return _stored(self._archive(key))
            except FileNotFoundError:
                return None

    def remove(self, key: str) -> None:
        """Remove scratch and archive, for good; nothing there is no error."""
        archive = self._archive(key)
        with _translated("The archive could not be removed"):
            # In this order, or what is published meanwhile would be missed.
            self._remove_scratch(key)
            if archive.exists():
                archive.unlink(missing_ok=True)
                _sync_folder(archive.parent)

    def discard(self, key: str) -> None:
        """Remove the scratch alone; nothing there is no error."""
        with _translated("The scratch could not be removed"):
            self._remove_scratch(key)

    def _remove_scratch(self, key: str, *, up_to: int | None = None) -> None:
        """Remove a key's scratch so that it does not come back."""
        folder = self._folder("scratch", key)
        if folder.is_dir():
            scratch.remove(folder, key, up_to=up_to)
            _sync_folder(folder)

    def free_bytes(self) -> int:
        """Tell how many bytes may still be written."""
        with _translated("The free space could not be asked for"):
            _make_folder(self._data_dir)
            room = os.statvfs(self._data_dir)
        return room.f_bavail * room.f_frsize

    def is_in_use(self, key: str, within: float) -> bool:
        """Tell whether an archive is being read, or was asked for within so many seconds."""
        with _translated("The archive could not be looked up"):
            try:
                return reading.is_read(self._archive(key), within)
            except FileNotFoundError:
                return False

    def left_over(self) -> Iterator[tuple[str, float]]:
        """List the keys that have scratch, with the time it was last written."""
        with _translated("The scratch could not be listed"):
            for path in (self._data_dir / "scratch").glob("*/*"):
                key = path.name.partition(".")[0]
                if _KEY.fullmatch(key):
                    with suppress(FileNotFoundError):  # gone since it was listed
                        yield key, path.stat().st_mtime

    def check(self) -> None:
        """Raise StorageFailed, or DiskFull, where storage cannot be written."""
        probe = self._data_dir / f".probe-{os.getpid()}-{time.monotonic_ns()}"
        with _translated("The data directory cannot be written"):
            _make_folder(self._data_dir)
            try:
                probe.write_bytes(b"written by check()")
                _sync_file(probe)
            finally:
                probe.unlink(missing_ok=True)

    def _archive(self, key: str) -> Path:
        return self._folder("archives", key) / f"{key}.zip"

    def _folder(self, area: str, key: str) -> Path:
        """Place a key; only hexadecimal ones, so that no key leads out of the data directory."""
        if _KEY.fullmatch(key) is None:
            raise UsageError("An archive's key is 2 to 64 hexadecimal digits in lower case.")
        return self._data_dir / area / key[:2]


def _stored(path: Path) -> StoredArchive:
    status = path.stat()
    etag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    return StoredArchive(path, status.st_size, etag, status.st_mtime)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each one durably in the one above."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _settle(path: Path) -> None:
    """Give a finished file its time, and make its bytes durable."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))
    _sync_file(path)


def _sync_file(path: Path) -> None:
    _sync(path, os.O_RDWR)


def _sync_folder(path: Path) -> None:
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the system's refusal into ours; what it says of paths stays with the operator."""
    try:
        yield
    except FileNotFoundError as error:
        raise StorageFailed(f"{what}: its file is not there (any more).") from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(f"{what}: the disk is full.") from error
        reason = os.strerror(error.errno) if error.errno else "unknown reason"
        raise StorageFailed(f"{what}: {reason}.") from error
