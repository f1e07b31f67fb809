"""Storage in a directory of this machine.

Owns the layout below the data directory, and when a file is durably where it belongs:

    scratch/ab/<key>.<attempt>.zip   under assembly, as `scratch.py` has it
    archives/ab/<key>.zip            whole, never written again

A part of an archive has a key of its own, `<key>-<number>`, and so files of its own.

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

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.durable_files import make_folder, sync_file, sync_folder
from packmule.storage import privacy, usage
from packmule.storage.disk import ScratchArea, checked, is_key, translated
from packmule.storage.interface import StoredArchive, archive_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


class LocalStorage:
    """Holds archives below `data_dir`, which is made where missing.

    `shared`: the group may read them, which is that of a proxy.
    """

    def __init__(self, data_dir: Path, *, shared: bool = False) -> None:
        self._data_dir = data_dir.absolute()
        self._shared = shared
        self._scratch = ScratchArea(data_dir)

    def __repr__(self) -> str:
        return f"<LocalStorage {self._data_dir}>"

    def claim(
        self, key: str, attempt: int, claimed: Iterable[tuple[int, int]], recorded_by: int = 0
    ) -> AbstractContextManager[Path]:
        """Hold the scratch file of an attempt, with what earlier ones left; see `interface.py`."""
        return self._scratch.claim(key, attempt, claimed, recorded_by)

    def stream(self, _key: str, _attempt: int, _scratch: Path) -> None:
        """Return None: the scratch itself becomes the archive."""

    def publish(self, key: str, attempt: int, assembled: Path) -> StoredArchive:
        """Make what an attempt has assembled, beside its scratch, the archive; durably.

        Scratch of this and earlier attempts is removed.
        """
        archive = self._archive(key)
        with translated("The archive could not be published"):
            make_folder(archive.parent)
            if self._shared:
                privacy.share_folders(archive.parent)
                privacy.share_archive(assembled)
            _settle(assembled)
            self._scratch.require(key, attempt, assembled)
            assembled.rename(archive)
            self.confirm(key, attempt)
            return _stored(archive)

    def confirm(self, key: str, attempt: int) -> None:
        """Make an archive that was published durable; remove the scratch of attempts up to this."""
        with translated("The archive could not be published"):
            sync_folder(self._archive(key).parent)
            self._scratch.remove(key, up_to=attempt)

    def prune(self, key: str, _attempt: int, _archive: StoredArchive) -> None:
        """Remove all but the archive of a completed job: there is nothing else but scratch."""
        self._scratch.remove(key)

    def find(self, key: str, _etag: str | None = None) -> StoredArchive | None:
        """Return the archive, or None; there is never more than one."""
        with translated("The archive could not be looked up"):
            try:
                return _stored(self._archive(key))
            except FileNotFoundError:
                return None

    def remove(self, key: str) -> None:
        """Remove scratch and archive with its parts, for good; nothing there is no error."""
        # In this order, or what is published meanwhile would be missed.
        self._scratch.remove_all(key)
        with translated("The archive could not be removed"):
            for archive in self._archives(key):
                archive.unlink(missing_ok=True)
                sync_folder(archive.parent)

    def discard(self, key: str) -> None:
        """Remove the scratch alone, and that of its parts; nothing there is no error."""
        self._scratch.remove_all(key)

    def free_bytes(self) -> int:
        """Return how many bytes may still be written."""
        return self._scratch.free_bytes()

    def is_in_use(self, key: str, within: float) -> bool:
        """Return whether an archive, or a part, is read or was asked for within so many seconds."""
        with translated("The archive could not be looked up"):
            return any(_is_read(archive, within) for archive in self._archives(key))

    def left_over(self) -> Iterator[tuple[str, float]]:
        """List the keys that have scratch, with the time it was last written."""
        return self._scratch.left_over()

    def archived(self) -> Iterator[str]:
        """List the keys of all archives."""
        with translated("The archives could not be listed"):
            for path in (self._data_dir / "archives").glob("*/*.zip"):
                if is_key(path.stem):
                    yield archive_of(path.stem)

    def probe(self) -> None:
        """Raise StorageFailed, or DiskFull, where the data directory cannot be written."""
        self.check()

    def check(self) -> None:
        """Raise StorageFailed, or DiskFull, where storage cannot be written."""
        self._scratch.check()

    def _archives(self, key: str) -> list[Path]:
        """List the files of an archive and its parts."""
        archive = self._archive(key)
        parts = (path for path in archive.parent.glob(f"{key}-*.zip") if is_key(path.stem))
        return [*([archive] if archive.exists() else []), *parts]

    def _archive(self, key: str) -> Path:
        return self._data_dir / "archives" / checked(key)[:2] / f"{key}.zip"


@dataclass(frozen=True, slots=True)
class LocalBytes:
    """An archive's bytes in a file of this machine."""

    path: Path

    def open(self) -> LocalReader:
        """Open them; they stay readable when the archive is removed."""
        with translated("The archive could not be opened"):
            return LocalReader(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC))

    def link(self, _name: str) -> None:
        """Return None: clients get the bytes from this machine."""


class LocalReader:
    """An open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, part: range, most: int) -> bytes:
        """Read the beginning of a part, `most` bytes at most."""
        with translated("The archive could not be read"):
            return os.pread(self._descriptor, min(most, len(part)), part.start)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _is_read(path: Path, within: float) -> bool:
    try:
        return usage.is_read(path, within)
    except FileNotFoundError:
        return False


def _stored(path: Path) -> StoredArchive:
    status = path.stat()
    etag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    return StoredArchive(status.st_size, etag, status.st_mtime, LocalBytes(path))


def _settle(path: Path) -> None:
    """Set a finished file's modification time, and make its bytes durable."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))
    sync_file(path)
