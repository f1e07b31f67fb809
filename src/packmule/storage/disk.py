"""Folders and files of this machine, as storage needs them: durable, and refusing in our words.

Owns where a key's folder is below the data directory, when a file or a folder survives a power cut,
and the scratch area that every backend assembles in. Leaves what a scratch file is, and who may
write to it, to `scratch.py`.
"""

from __future__ import annotations

import errno
import os
import re
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from packmule.durable_files import make_folder, sync_file, sync_folder
from packmule.errors import DiskFull, StorageFailed, UsageError
from packmule.storage import scratch
from packmule.storage.interface import archive_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{2,64}(-\d{1,6})?")
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class ScratchArea:
    """The folder `scratch` below `data_dir`, which is made where missing."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.absolute()

    @contextmanager
    def claim(
        self, key: str, attempt: int, claimed: Iterable[tuple[int, int]], recorded_by: int = 0
    ) -> Iterator[Path]:
        """Hold the scratch file of an attempt, with what earlier ones left; see `interface.py`."""
        folder = self._folder(key)
        with ExitStack() as held:
            with translated("The scratch file could not be taken"):
                make_folder(folder)
                path = held.enter_context(scratch.claim(folder, key, attempt, claimed, recorded_by))
            yield path

    def require(self, key: str, attempt: int, assembled: Path) -> None:
        """Raise FileNotFoundError where what an attempt has assembled is its own no longer.

        A file beside the scratch is removed then: it was made after the scratch was taken over.
        """
        scratch.require(self._folder(key), key, attempt, assembled)

    def remove(self, key: str, *, up_to: int | None = None) -> None:
        """Remove a key's scratch so that it does not come back."""
        folder = self._folder(key)
        with translated("The scratch could not be removed"):
            if folder.is_dir():
                scratch.remove(folder, key, up_to=up_to)
                sync_folder(folder)

    def remove_all(self, key: str) -> None:
        """Remove a key's scratch and that of its parts so that none comes back."""
        for each in {key, *scratch.part_keys(self._folder(key), key)}:
            self.remove(each)

    def free_bytes(self) -> int:
        """Return how many bytes may still be written."""
        with translated("The free space could not be asked for"):
            make_folder(self._data_dir)
            room = os.statvfs(self._data_dir)
        return room.f_bavail * room.f_frsize

    def left_over(self) -> Iterator[tuple[str, float]]:
        """List the keys that have scratch, with the time it was last written."""
        with translated("The scratch could not be listed"):
            for path in (self._data_dir / "scratch").glob("*/*"):
                key = path.name.partition(".")[0]
                if is_key(key):
                    with suppress(FileNotFoundError):  # gone since it was listed
                        yield archive_of(key), path.stat().st_mtime

    def check(self) -> None:
        """Raise StorageFailed, or DiskFull, where the data directory cannot be written."""
        probe = self._data_dir / f".probe-{os.getpid()}-{time.monotonic_ns()}"
        with translated("The data directory cannot be written"):
            make_folder(self._data_dir)
            try:
                probe.write_bytes(b"written by check()")
                sync_file(probe)
            finally:
                probe.unlink(missing_ok=True)

    def _folder(self, key: str) -> Path:
        return self._data_dir / "scratch" / checked(key)[:2]


def is_key(name: str) -> bool:
    """Return whether a name is an archive's key."""
    return _KEY.fullmatch(name) is not None


def checked(key: str) -> str:
    """Return the key; only hexadecimal ones, so that no key leads out of where keys belong."""
    if _KEY.fullmatch(key) is None:
        raise UsageError(
            "An archive's key is 2 to 64 hexadecimal digits in lower case; that of a part ends in "
            "a hyphen and its number."
        )
    return key


@contextmanager
def translated(what: str) -> Iterator[None]:
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
