"""The journal: the checkpoints of one archive, kept beside it in a file, without a database.

Owns the file that `packmule pack` resumes from; the job store does the same for jobs. Standard
library only, and quick to import. The file is a mark and records, each whole or not at all:

    | "PMJ1" LF | record | record | …
    record: | length u32 | CRC-32 u32 | JSON, `length` bytes |

Numbers are little-endian; what the JSON says is `journal_records.py`'s. The first record holds the
digest of what is asked for: a journal of another request starts over. The others are checkpoints
in their order, each made durable before `append` returns; a torn or damaged tail (a crash in the
middle of a write) is cut off.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from packmule.durable_files import (
    NotOurFile,
    open_locked,
    open_own,
    sync_data,
    sync_folder,
    try_lock,
    write_at,
)
from packmule.errors import DiskFull, StorageFailed, UsageError
from packmule.jobs.journal_records import Sum, checkpoint_of, checkpoint_record, digest_record
from packmule.jobs.model import Checkpoint, Remembered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packmule.jobs.model import Progress

_MARK = b"PMJ1\n"
_RECORD = Struct("<II")
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

# An open entry is written again at each checkpoint: when so many bytes may have been overtaken,
# they are left behind. What is done is written once, and does not count.
COMPACT_AFTER = 16 * 1024 * 1024


class Journal:
    """Remembers one archive's checkpoints in the file at `path`, for one process at a time.

    Raises UsageError where another process holds it, DiskFull or StorageFailed where the disk
    refuses.
    """

    def __init__(self, path: Path, *, compact_after: int = COMPACT_AFTER) -> None:
        self.path = path
        self._new_path = path.with_name(path.name + ".new")
        self._compact_after = compact_after
        self._file: int | None = None
        self._digest = ""
        self._size = 0  # what is known to be whole; 0: to start over
        self._overtaken = 0
        self._compact_at = 0
        self.has_begun = False
        """Whether `load` has found a journal, of whatever request."""
        self.is_foreign = False
        """Whether `load` has found something else, which the first write would replace."""

    def load(self, digest: str) -> Remembered | None:
        """Open the journal for the request of that digest, and add its checkpoints up.

        None where there is nothing to resume: no journal, or one of another request, which the
        first `append` or `restart` starts over. What is returned is on the disk: where the run
        before was killed in the middle of a write, the caller must not build on what a power cut
        may still undo.
        """
        self.close()
        self._digest, self._size = digest, 0
        try:
            self._file = _open_alone(self.path)
            first = os.pread(self._file, len(_MARK), 0)
            self.has_begun = first == _MARK
            self.is_foreign = not _MARK.startswith(first)
            remembered = self._read(self._file)
            if remembered is not None:
                sync_data(self._file)
        except OSError as error:
            raise _translated(error) from error
        self._compacted()
        return remembered

    def _read(self, file: int) -> Remembered | None:
        """Add up what is whole and of this request, and set `_size` to its end."""
        records = _records(file)
        first, self._size = next(records, (b"", 0))
        if first != digest_record(self._digest):
            self._size = 0
            return None
        total = Sum()
        for payload, end in records:
            checkpoint = checkpoint_of(payload)
            if checkpoint is None:
                break
            total.add(checkpoint)
            self._size = end
        return total.remembered()

    def append(self, checkpoint: Checkpoint) -> None:
        """Remember a checkpoint; it is on the disk when this returns."""
        if self._file is None:
            raise RuntimeError("the journal is to be loaded first")
        data = _record(checkpoint_record(checkpoint))
        begins = self._size == 0
        if begins:
            data = _beginning(self._digest) + data
        try:
            # What lies behind the whole part is a torn tail, or another request's.
            os.ftruncate(self._file, self._size)
            write_at(self._file, data, self._size)
            sync_data(self._file)
            if begins:
                sync_folder(self.path.parent)
            self._size += len(data)
            self._overtaken += len(checkpoint_record(replace(checkpoint, done=())))
            if self._overtaken >= self._compact_at:
                self._compact(self._file, checkpoint.progress)
        except OSError as error:
            raise _translated(error) from error

    def restart(self, checkpoint: Checkpoint) -> None:
        """Put one checkpoint in the place of all: of this request, or of whichever was there.

        It is on the disk when this returns; where it raises, what was there may still be.
        """
        if self._file is None:
            raise RuntimeError("the journal is to be loaded first")
        try:
            self._replace(self._file, checkpoint)
        except OSError as error:
            raise _translated(error) from error

    def _compact(self, old: int, progress: Progress) -> None:
        """Put one checkpoint, all of them added up, in the place of all.

        The next time is when as much may have been overtaken as the file is then long: each byte is
        written twice or so.
        """
        total = self._read(old) or Remembered()
        self._replace(old, Checkpoint(total.tail, progress, total.done, total.open, total.failed))

    def _replace(self, old: int, checkpoint: Checkpoint) -> None:
        data = _beginning(self._digest) + _record(checkpoint_record(checkpoint))
        self._new_path.unlink(missing_ok=True)
        new = open_own(self._new_path)
        try:
            try_lock(new, required=False)  # nobody else knows of it
            write_at(new, data, 0)
            sync_data(new)
            self._new_path.replace(self.path)
        except BaseException:
            os.close(new)
            self._new_path.unlink(missing_ok=True)
            raise
        os.close(old)
        self._file, self._size = new, len(data)
        self._compacted()
        sync_folder(self.path.parent)

    def _compacted(self) -> None:
        self._overtaken = 0
        self._compact_at = max(self._size, self._compact_after)

    def remove(self) -> None:
        """Remove the file: the archive is whole. Nothing there is no error."""
        try:
            self._new_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise _translated(error) from error
        self.close()

    def close(self) -> None:
        """Close the file, which stays to be resumed from."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


# --- the file -----------------------------------------------------------------------------------


def _open_alone(path: Path) -> int:
    """Open the file, made where missing, and hold it; the kernel lets go when this process dies."""
    # A file system without locks is no reason not to work on it.
    try:
        file = open_locked(path, required=False)
    except NotOurFile as error:
        raise UsageError(
            f"{error.strerror}. Remove it, or choose another file name for the archive."
        ) from error
    if file is None:
        raise UsageError(
            "Another packmule is writing this archive; let it end, or choose another file name."
        )
    return file


def _records(file: int) -> Iterator[tuple[bytes, int]]:
    """Read whole records from the beginning, each with the offset of its end."""
    with open(file, "rb", closefd=False) as stream:
        stream.seek(0)
        if stream.read(len(_MARK)) != _MARK:
            return
        end, size = len(_MARK), os.fstat(file).st_size
        while len(head := stream.read(_RECORD.size)) == _RECORD.size:
            length, crc = _RECORD.unpack(head)
            end += _RECORD.size + length
            if end > size or crc32(payload := stream.read(length)) != crc:
                return
            yield payload, end


def _record(payload: bytes) -> bytes:
    return _RECORD.pack(len(payload), crc32(payload)) + payload


def _beginning(digest: str) -> bytes:
    return _MARK + _record(digest_record(digest))


def _translated(error: OSError) -> DiskFull | StorageFailed:
    if error.errno in _NO_ROOM:
        return DiskFull("The disk is full: how far the archive is could not be remembered.")
    reason = os.strerror(error.errno or 0)
    return StorageFailed(f"The archive's journal could not be read or written: {reason}.")
