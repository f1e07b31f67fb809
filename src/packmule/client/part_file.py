"""The part file: what has come of an archive, until it is whole and gets its name.

Owns three files, and that they agree whatever ends the program:

    <path>.part           the bytes so far, from the first on
    <path>.part.version   of which archive and version they are, written before the first of them
    <path>                the archive, there whole or not at all

Leaves to `versions.py` which bytes may be appended. One download at a time writes: a lock on the
part file sees to that. Blocks on the disk.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from packmule.client.errors import DownloadFailed
from packmule.client.versions import Held, Version, resumable
from packmule.errors import UsageError

if TYPE_CHECKING:
    from packmule.client.versions import Take


class PartFile:
    """What has come of the archive `hash_` that is to be at `path`. Raises OSError."""

    def __init__(self, path: Path, hash_: str, *, resume: bool) -> None:
        self.path = path
        self._hash = hash_
        self._part = Path(f"{path}.part")
        self._record = Path(f"{path}.part.version")
        check(path)
        self._file = self._locked()
        self._version: Version | None = None
        self._offset = 0
        if resume:
            size = self._file.seek(0, os.SEEK_END)
            held = resumable(Held(size, self._recorded()))
            self._offset, self._version = held.offset, held.version

    @property
    def held(self) -> Held:
        """What has come so far."""
        return Held(self._offset, self._version)

    def forget(self) -> None:
        """Hold nothing any more; what is in the file is written over."""
        self._offset, self._version = 0, None

    def begin(self, take: Take) -> None:
        """Prepare for bytes of a version; what cannot be gone on with is dropped."""
        self._file.seek(take.at)
        if take.at == 0:
            self._file.truncate()
            # Surely empty before it is said to be of this version: after a power cut as well.
            os.fsync(self._file.fileno())
            self._write_record(take.version)
        self._offset, self._version = take.at, take.version

    def write(self, piece: bytes) -> bool:
        """Append bytes; False where more came than the version has, which is not written."""
        assert self._version is not None  # noqa: S101  # `begin` came before
        room = self._version.size - self._offset
        self._file.write(piece[:room])
        self._offset += min(len(piece), room)
        return len(piece) <= room

    def pause(self) -> None:
        """Hand what has come to the system, so that a kill loses none of it."""
        self._file.flush()

    def finish(self) -> None:
        """Give the whole archive its name, durably. Raises DownloadFailed where it is not whole."""
        self._file.flush()
        size = os.fstat(self._file.fileno()).st_size
        if self._version is None or size != self._version.size:
            raise DownloadFailed(
                f"{self._part} has {size} bytes, which is not what was written to it: does "
                "another program change it?"
            )
        os.fsync(self._file.fileno())
        self._part.replace(self.path)
        _sync_folder(self.path.parent)
        self._record.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; what has come stays."""
        self._file.close()

    def _locked(self) -> BinaryIO:
        while True:
            file = os.fdopen(
                os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b"
            )
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another download may have ended between the two lines, and given it its name.
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(file.fileno()), self._part.stat()):
                        return file
            except BlockingIOError as error:
                file.close()
                raise DownloadFailed(
                    f"Another download is writing to {self._part}; wait for it, or choose another "
                    "file."
                ) from error
            file.close()

    def _recorded(self) -> Version | None:
        """Read which version the bytes are of; None where that is not known for sure."""
        try:
            record = json.loads(self._record.read_bytes())
            hash_, size, etag = record["hash"], record["size"], record["etag"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        good = hash_ == self._hash and type(size) is int and isinstance(etag, str)
        return Version(size, etag) if good else None

    def _write_record(self, version: Version) -> None:
        record = {"hash": self._hash, "size": version.size, "etag": version.etag}
        new = Path(f"{self._record}.new")
        with new.open("wb") as file:
            file.write(json.dumps(record).encode())
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._record)


def check(path: Path) -> None:
    """Refuse a path at which no archive could be put. Raises UsageError."""
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} to put the archive in.")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no file that an archive could take the place of.")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
