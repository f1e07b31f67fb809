"""The part file: what was downloaded of an archive, until it is whole and gets its name.

Owns three files, and keeps them consistent however the program ends:

    <path>.part           the bytes so far, from the first on
    <path>.part.version   their archive and version, written before the first byte
    <path>                the archive, whole or absent

Which bytes may be appended is decided in `versions.py`. A lock on the part file makes sure that
one download at a time writes. Blocks on the disk.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from packmule.client.errors import DownloadFailed
from packmule.client.versions import Held, Version, resumable
from packmule.durable_files import NotOurFile, is_at, open_locked, rename, rename_new
from packmule.errors import UsageError

if TYPE_CHECKING:
    from packmule.client.versions import AcceptBody


class PartFile:
    """The downloaded part of the archive `hash_` that is to be at `path`: `open`, then `close` it.

    `kept` is the number of bytes resumed from an earlier run. Unless `replace` is set, a file that
    is at `path` stays. Methods raise OSError.
    """

    def __init__(self, path: Path, hash_: str, *, replace: bool = True) -> None:
        self.path = path
        self._replace = replace
        self.kept = 0
        self._hash = hash_
        self._part = Path(f"{path}.part")
        self._record = Path(f"{path}.part.version")
        self._new_record = Path(f"{path}.part.version.new")
        self._file: BinaryIO | None = None
        self._version: Version | None = None
        self._offset = 0

    def open(self, *, resume: bool) -> None:
        """Open and lock the file, and read what an earlier run left in it if `resume` is set.

        Raises UsageError, and DownloadFailed while another download writes to it.
        """
        check(self.path, replace=self._replace)
        self._file = self._locked()
        size = self._file.seek(0, os.SEEK_END)
        if size and not self._record.exists():
            self._file.close()
            self._file = None
            raise UsageError(
                f"{self._part} is in the way: it is not from an interrupted download. Move it, or "
                "choose another file name for the archive."
            )
        if resume:
            held = resumable(Held(size, self._recorded()))
            self._offset, self._version = held.offset, held.version
            self.kept = held.offset

    @property
    def held(self) -> Held:
        """What was downloaded so far."""
        return Held(self._offset, self._version)

    def forget(self) -> None:
        """Drop what was downloaded, so that no later run resumes it."""
        self._offset, self._version, self.kept = 0, None, 0
        self._opened.seek(0)
        self._opened.truncate()
        self._record.unlink(missing_ok=True)

    def begin(self, accepted: AcceptBody) -> None:
        """Prepare to write a version's bytes; drop what cannot be continued."""
        self._opened.seek(accepted.at)
        if accepted.at == 0:
            self.kept = 0
            self._opened.truncate()
            # Durably empty before the record says which version it is of.
            os.fsync(self._opened.fileno())
            self._write_record(accepted.version)
        self._offset, self._version = accepted.at, accepted.version

    def write(self, piece: bytes) -> bool:
        """Append bytes. Return False if there were more than the version has, which are dropped."""
        assert self._version is not None  # noqa: S101  # `begin` came before
        room = self._version.size - self._offset
        self._opened.write(piece[:room])
        self._offset += min(len(piece), room)
        return len(piece) <= room

    def flush(self) -> None:
        """Hand the bytes to the kernel, so that a kill loses none of them."""
        self._opened.flush()

    def finish(self) -> None:
        """Rename the whole archive, durably. Raises DownloadFailed if it is not whole.

        Raises FileExistsError, and keeps the part file, if there is a file that is to stay.
        """
        self._opened.flush()
        size = os.fstat(self._opened.fileno()).st_size
        if self._version is None or size != self._version.size:
            raise DownloadFailed(
                f"{self._part} has {size:,} bytes, which is not what was written to it. Is another "
                "program changing it?"
            )
        os.fsync(self._opened.fileno())
        if self._replace:
            rename(self._part, self.path)
        else:
            rename_new(self._part, self.path)
        self._record.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file. Downloaded bytes stay for the next run; an empty file is removed."""
        if self._file is None:
            return
        with self._file as file:
            file.flush()
            with suppress(OSError):
                if os.fstat(file.fileno()).st_size == 0:
                    self._remove_empty(file)

    def _remove_empty(self, file: BinaryIO) -> None:
        """Remove the part file and its record while holding the lock."""
        if is_at(file.fileno(), self._part):
            self._new_record.unlink(missing_ok=True)
            self._record.unlink(missing_ok=True)
            self._part.unlink()

    @property
    def _opened(self) -> BinaryIO:
        assert self._file is not None  # noqa: S101  # `open` came before
        return self._file

    def _locked(self) -> BinaryIO:
        """Open and lock the part file. Raises DownloadFailed if another download has it."""
        try:
            file = open_locked(self._part, mode=0o666)
        except NotOurFile as error:
            raise UsageError(
                f"{error.strerror}. Remove it, or choose another file name for the archive."
            ) from error
        if file is None:
            raise DownloadFailed(
                f"Another download is writing to {self._part}. Wait for it, or choose another file."
            )
        if is_at(file, self.path):
            # The archive itself: an earlier run was killed while the file had both names.
            self._part.unlink()
            os.close(file)
            return self._locked()
        return os.fdopen(file, "r+b")

    def _recorded(self) -> Version | None:
        """Read which version the bytes are of; None if that is not certain."""
        try:
            record = json.loads(self._record.read_bytes())
            hash_, size, etag = record["hash"], record["size"], record["etag"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        good = hash_ == self._hash and type(size) is int and isinstance(etag, str)
        return Version(size, etag) if good else None

    def _write_record(self, version: Version) -> None:
        record = {"hash": self._hash, "size": version.size, "etag": version.etag}
        self._new_record.unlink(missing_ok=True)
        with self._new_record.open("xb") as file:
            file.write(json.dumps(record).encode())
            file.flush()
            os.fsync(file.fileno())
        rename(self._new_record, self._record)


def check(path: Path, *, replace: bool) -> None:
    """Check that an archive can be written to a path. Raises UsageError, FileExistsError."""
    if not path.parent.is_dir():
        raise UsageError(f"Cannot write {path}: the folder {path.parent} does not exist.")
    if path.exists() and not path.is_file():
        raise UsageError(f"Cannot write {path}: it is not a regular file.")
    if not replace and path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
