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
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from packmule.client.errors import DownloadFailed
from packmule.client.versions import Held, Version, resumable
from packmule.errors import UsageError

if TYPE_CHECKING:
    from packmule.client.versions import Take


class PartFile:
    """What has come of the archive `hash_` that is to be at `path`. `open` it, then `close` it.

    Making one touches nothing; all else raises OSError. `kept` counts the bytes of an earlier run.
    """

    def __init__(self, path: Path, hash_: str) -> None:
        self.path = path
        self.kept = 0
        self._hash = hash_
        self._part = Path(f"{path}.part")
        self._record = Path(f"{path}.part.version")
        self._new_record = Path(f"{path}.part.version.new")
        self._file: BinaryIO | None = None
        self._version: Version | None = None
        self._offset = 0

    def open(self, *, resume: bool) -> None:
        """Take hold of the file and, to resume, of what an earlier run left in it.

        Raises UsageError, and DownloadFailed while another download writes to it.
        """
        check(self.path)
        self._file = self._locked()
        if resume:
            size = self._file.seek(0, os.SEEK_END)
            held = resumable(Held(size, self._recorded()))
            self._offset, self._version = held.offset, held.version
            self.kept = held.offset

    @property
    def held(self) -> Held:
        """What has come so far."""
        return Held(self._offset, self._version)

    def forget(self) -> None:
        """Drop what has come, so that no later run takes it up."""
        self._offset, self._version, self.kept = 0, None, 0
        self._record.unlink(missing_ok=True)
        self._opened.seek(0)
        self._opened.truncate()

    def begin(self, take: Take) -> None:
        """Prepare for bytes of a version; drop what cannot be continued."""
        self._opened.seek(take.at)
        if take.at == 0:
            self.kept = 0
            self._opened.truncate()
            # Surely empty before it is said to be of this version: after a power cut as well.
            os.fsync(self._opened.fileno())
            self._write_record(take.version)
        self._offset, self._version = take.at, take.version

    def write(self, piece: bytes) -> bool:
        """Append bytes; False where more came than the version has, which is not written."""
        assert self._version is not None  # noqa: S101  # `begin` came before
        room = self._version.size - self._offset
        self._opened.write(piece[:room])
        self._offset += min(len(piece), room)
        return len(piece) <= room

    def pause(self) -> None:
        """Hand what has come to the system, so that a kill loses none of it."""
        self._opened.flush()

    def finish(self) -> None:
        """Give the whole archive its name, durably. Raises DownloadFailed where it is not whole."""
        self._opened.flush()
        size = os.fstat(self._opened.fileno()).st_size
        if self._version is None or size != self._version.size:
            raise DownloadFailed(
                f"{self._part} has {size} bytes, which is not what was written to it: does "
                "another program change it?"
            )
        os.fsync(self._opened.fileno())
        self._part.replace(self.path)
        _sync_folder(self.path.parent)
        self._record.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file. What has come stays; a file that holds nothing goes."""
        if self._file is None:
            return
        with self._file as file:
            file.flush()
            with suppress(OSError):
                if os.fstat(file.fileno()).st_size == 0:
                    self._remove_empty(file)

    def _remove_empty(self, file: BinaryIO) -> None:
        """Remove the part file and its record, while the lock on it is still ours."""
        if os.path.samestat(os.fstat(file.fileno()), self._part.stat()):
            self._new_record.unlink(missing_ok=True)
            self._record.unlink(missing_ok=True)
            self._part.unlink()

    @property
    def _opened(self) -> BinaryIO:
        assert self._file is not None  # noqa: S101  # `open` came before
        return self._file

    def _locked(self) -> BinaryIO:
        """Open the part file, and lock it. Raises DownloadFailed where another download has it."""
        while True:
            file = os.fdopen(
                os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b"
            )
            with ExitStack() as closing:
                closing.enter_context(file)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise DownloadFailed(
                        f"Another download is writing to {self._part}; wait for it, or choose "
                        "another file."
                    ) from error
                # Another download may have ended between the two lines, and given it its name.
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(file.fileno()), self._part.stat()):
                        closing.pop_all()
                        return file

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
        with self._new_record.open("wb") as file:
            file.write(json.dumps(record).encode())
            file.flush()
            os.fsync(file.fileno())
        self._new_record.replace(self._record)
        _sync_folder(self.path.parent)


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
