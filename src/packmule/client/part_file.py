"""The part file: what was downloaded of an archive, until it is whole and gets its name.

Owns three files, and keeps them consistent however the program ends:

    <path>.part           the bytes so far, each at its place
    <path>.part.version   their archive and version, and which bytes are certainly there
    <path>                the archive, whole or absent

The record may stay beside the archive until other files are whole as well, so that a later run
knows that it need not be downloaded again.

The record never names bytes that a power cut could still take. Which bytes may be written is
decided in `versions.py`. A lock on the part file makes sure that one download at a time writes.
Blocks on the disk.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.client.errors import DownloadFailed
from packmule.client.versions import Held, Version, resumable
from packmule.durable_files import (
    NotOurFile,
    is_at,
    open_locked,
    rename,
    rename_new,
    sync_data,
    write_at,
)
from packmule.errors import UsageError

if TYPE_CHECKING:
    from io import FileIO

    from packmule.client.segments import Ranges


class PartFile:
    """The downloaded part of the archive `hash_` that is to be at `path`: `open`, then `close` it.

    `held` is what an earlier run left, and then what was last recorded. Unless `replace` is set, a
    file that is at `path` stays. Methods raise OSError.
    """

    def __init__(self, path: Path, hash_: str, *, replace: bool = True) -> None:
        self.path = path
        self._replace = replace
        self.held = Held()
        self._hash = hash_
        self._part = Path(f"{path}.part")
        self._record = Path(f"{path}.part.version")
        self._new_record = Path(f"{path}.part.version.new")
        self._file: FileIO | None = None

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
            self.held = resumable(self._recorded(size))

    def forget(self) -> None:
        """Drop what was downloaded, so that no later run resumes it."""
        self.held = Held()
        self._opened.truncate(0)
        self._record.unlink(missing_ok=True)

    def begin(self, version: Version) -> None:
        """Prepare to write a version's bytes, of which there are none yet."""
        self._opened.truncate(0)
        # Durably empty before the record says which version it is of.
        os.fsync(self._opened.fileno())
        self._write_record(Held((), version))

    def write(self, at: int, piece: bytes) -> None:
        """Write bytes at their place."""
        write_at(self._opened.fileno(), piece, at)

    def record(self, ranges: Ranges) -> None:
        """Record that these bytes are there, after making sure that they stay."""
        if self.held.version is not None and ranges != self.held.ranges:
            sync_data(self._opened.fileno())
            self._write_record(Held(ranges, self.held.version))

    def finish(self, *, keep_record: bool = False) -> None:
        """Rename the whole archive, durably. Raises DownloadFailed if it is not whole.

        With `keep_record`, `is_finished` holds until `drop_record`.
        Raises FileExistsError, and keeps the part file, if there is a file that is to stay.
        """
        size = os.fstat(self._opened.fileno()).st_size
        if self.held.version is None or size != self.held.version.size:
            raise DownloadFailed(
                f"{self._part} has {size:,} bytes, which is not what was written to it. Is another "
                "program changing it?"
            )
        os.fsync(self._opened.fileno())
        if self._replace:
            rename(self._part, self.path)
        else:
            rename_new(self._part, self.path)
        if not keep_record:
            self.drop_record()

    def is_finished(self, size: int) -> bool:
        """Return whether an earlier run finished the archive, of `size` bytes, with its record."""
        if self._part.exists() or not self.path.is_file() or self.path.stat().st_size != size:
            return False
        held = self._recorded(size)
        return held.version is not None and held.ranges == ((0, size),)

    def drop_record(self) -> None:
        """Remove the record of what is there."""
        self._record.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file. Downloaded bytes stay for the next run; an empty file is removed."""
        if self._file is None:
            return
        with self._file as file, suppress(OSError):
            if os.fstat(file.fileno()).st_size == 0:
                self._remove_empty(file)

    def _remove_empty(self, file: FileIO) -> None:
        """Remove the part file and its record while holding the lock."""
        if is_at(file.fileno(), self._part):
            self._new_record.unlink(missing_ok=True)
            self._record.unlink(missing_ok=True)
            self._part.unlink()

    @property
    def _opened(self) -> FileIO:
        assert self._file is not None  # noqa: S101  # `open` came before
        return self._file

    def _locked(self) -> FileIO:
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
        return os.fdopen(file, "r+b", buffering=0)

    def _recorded(self, size: int) -> Held:
        """Read what the record says of a part file of `size` bytes; nothing if it is not sound."""
        try:
            record = json.loads(self._record.read_bytes())
            hash_, length, etag = record["hash"], record["size"], record["etag"]
            ranges = tuple((int(start), int(end)) for start, end in record["held"])
        except (OSError, ValueError, KeyError, TypeError):
            return Held()
        good = hash_ == self._hash and type(length) is int and isinstance(etag, str)
        good = good and all(0 <= start < end <= size for start, end in ranges)
        return Held(ranges, Version(length, etag)) if good else Held()

    def _write_record(self, held: Held) -> None:
        assert held.version is not None  # noqa: S101  # as the callers know
        size, etag = held.version.size, held.version.etag
        record = {"hash": self._hash, "size": size, "etag": etag, "held": held.ranges}
        self._new_record.unlink(missing_ok=True)
        with self._new_record.open("xb") as file:
            file.write(json.dumps(record).encode())
            file.flush()
            os.fsync(file.fileno())
        rename(self._new_record, self._record)
        self.held = held


def check(path: Path, *, replace: bool) -> None:
    """Check that an archive can be written to a path. Raises UsageError, FileExistsError."""
    if not path.parent.is_dir():
        raise UsageError(f"Cannot write {path}: the folder {path.parent} does not exist.")
    if path.exists() and not path.is_file():
        raise UsageError(f"Cannot write {path}: it is not a regular file.")
    if not replace and path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
