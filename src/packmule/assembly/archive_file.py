"""The archive while it is assembled: one file, every byte written once, at its final place.

Owns the tail, the places, the spools and what is surely written. Leaves small entries to `packing`,
memory and the writing thread to `blocks`, bytes of records to `zipformat`, fetching to others.

    0                                                        tail
    [hdr][body......][hdr][small][hdr][small][hdr][body....   |
         place            packed, one write      place, open

Two threads meet here: the transfer loop reserves and fills, the writer writes and then notes what
is certain. A body's `sure` (bytes written, CRC-32 of them) is replaced as a whole, so a third
thread that makes a checkpoint reads a true pair.
"""

from __future__ import annotations

import logging
import threading
from itertools import count
from typing import TYPE_CHECKING

from packmule.assembly.disk.disk_file import DiskFile
from packmule.assembly.packing import Packing
from packmule.errors import PackmuleError, StorageFailed
from packmule.telemetry.context import as_extra
from packmule.zipformat.headers import local_header, needs_zip64_room

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from packmule.assembly.disk.blocks import Pool, Writer
    from packmule.jobs.model import DoneEntry

_log = logging.getLogger(__name__)


def _never() -> bool:
    """Tell that nobody waits for room in the scratch: it holds the whole archive."""
    return False


class ArchiveFile:
    """ArchiveOffsets for entries in one file, and the list of those that are complete."""

    def __init__(
        self, path: Path, pool: Pool, writer: Writer, *, tail: int, changed: Callable[[], None]
    ) -> None:
        self.file = DiskFile(path)
        self.pool = pool
        self.writer = writer
        self.tail = tail
        self.done: list[DoneEntry] = []
        self.error: PackmuleError | None = None
        self.closed = False
        self.must_wait: Callable[[], bool] = _never
        self._changed = changed
        self._path = path
        self.packing = Packing(self)
        self._spools: set[DiskFile] = set()
        self._spool_count = count()
        self._lock = threading.Lock()
        self._about = as_extra()

    # The transfer loop's side.

    def reserve(self, length: int) -> int:
        """Reserve bytes at the tail and give their offset; what was packed before is sent off."""
        self.flush()
        offset = self.tail
        self.tail += length
        return offset

    def flush(self) -> None:
        """Send off what was packed, although its block is not full."""
        self.packing.flush()

    # The writer's side.

    def note_done(self, entries: list[DoneEntry]) -> None:
        """Add entries whose last byte has been written."""
        if entries:
            self.done.extend(entries)
            self._changed()

    def write_block(
        self, block: memoryview, start: int, end: int, base: int, file: DiskFile | None = None
    ) -> bool:
        """Write a block, to this file or a spool, and give it back; False where all is lost."""
        written = False

        def write() -> None:
            nonlocal written
            (file or self.file).write_block(block, start, end, base)
            written = True

        try:
            self.guarded(write)()
        finally:
            self.pool.give(block)
        return written

    def complete(self, entry: DoneEntry) -> None:
        """Write a big entry's header, now that its body is in place: it is done."""
        header = local_header(
            entry.name.encode(),
            entry.method,
            entry.crc,
            entry.compressed_size,
            entry.size,
            entry.modified_at,
            zip64=needs_zip64_room(max(entry.size, entry.compressed_size)),
        )
        self.file.write(header, entry.offset)
        self.note_done([entry])

    # Any thread's.

    def fail(self, error: PackmuleError) -> None:
        """Note what has made this archive impossible; the first word counts."""
        with self._lock:
            if self.error is None:
                self.error = error
        self._changed()

    def guarded(self, work: Callable[[], None]) -> Callable[[], None]:
        """Make of some work one that is left undone when all is lost; its failure is the archive's.

        For what is done in the threads that jobs share: an error must end this job only.
        """

        def guarded() -> None:
            if self.closed or self.error is not None:
                return
            try:
                work()
            except PackmuleError as error:
                self.fail(error)
            except Exception:  # noqa: BLE001 - kept as the archive's, and logged
                _log.exception(
                    "assembling has failed in a way that is ours to mend", extra=self._about
                )
                self.fail(StorageFailed("an error of ours stopped the writing; it is in the log"))

        return guarded

    def run_in_writer(self, work: Callable[[], None]) -> None:
        """Have work done by the writer in its turn."""
        self.writer.submit(self.guarded(work))

    def open_spool(self) -> DiskFile:
        """Open a file beside the archive that no kill can leave behind."""
        number = next(self._spool_count)
        spool = DiskFile.nameless(self._path.with_name(f"{self._path.name}.spool-{number}"))
        with self._lock:
            self._spools.add(spool)
        return spool

    def close_spool(self, spool: DiskFile) -> None:
        """Let a spool go, and with it what is in it; nobody may be writing to it."""
        with self._lock:
            self._spools.discard(spool)
        spool.close()

    # The job's side.

    def settle(self) -> None:
        """Return when everything handed to the writer is written."""
        self.writer.wait()

    def sync(self) -> None:
        """Make all that is written survive a power cut."""
        self.file.sync()

    def close(self) -> None:
        """Close the file and its spools; what is still on its way to the writer is dropped."""
        self.closed = True
        self.writer.wait()
        for spool in tuple(self._spools):
            self.close_spool(spool)
        self.file.close()
