"""The file in which an archive is assembled, its spools, and the error that ends it all.

Owns the file, what is done with it by the writer in its turn, and the first error: after that one
nothing more is written. Leaves where an entry belongs to `archive_file`, memory and the writing
thread to `disk`.
"""

from __future__ import annotations

import logging
import threading
from itertools import count
from typing import TYPE_CHECKING

from packmule.assembly.disk.disk_file import DiskFile
from packmule.errors import DiskFull, PackmuleError, StorageFailed
from packmule.telemetry.context import as_extra

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from packmule.assembly.disk.blocks import Pool, Writer
    from packmule.assembly.disk.placed_file import PlacedFile

_log = logging.getLogger(__name__)


def _never() -> bool:
    """Return False: nobody waits for room in a scratch that holds the whole archive."""
    return False


class ScratchFile:
    """One file to be written at offsets, on a disk of which `reserve` bytes stay free.

    `on_error` is called, by any thread, when all is lost. `places` is where entries are written:
    the file itself, or the `areas` of a split archive.
    """

    def __init__(
        self,
        path: Path,
        pool: Pool,
        writer: Writer,
        *,
        reserve: int = 0,
        on_error: Callable[[], None],
        areas: PlacedFile | None = None,
    ) -> None:
        self.file = DiskFile(path, reserve)
        self.places: PlacedFile = self.file if areas is None else areas
        self._reserve = reserve
        self.pool = pool
        self.writer = writer
        self.error: PackmuleError | None = None
        self.closed = False
        self.must_wait: Callable[[], bool] = _never
        self._on_error = on_error
        self._path = path
        self._spools: set[DiskFile] = set()
        self._spool_count = count()
        self._lock = threading.Lock()
        self._about = as_extra()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open" if self.error is None else repr(self.error)
        return f"<ScratchFile {self._path.name}: {state}, {len(self._spools)} spools>"

    # Any thread's.

    def fail(self, error: PackmuleError) -> None:
        """Record what has made this archive impossible; the first word counts."""
        with self._lock:
            if self.error is None:
                self.error = error
                if isinstance(error, DiskFull) and error.wanted is not None:
                    # Spools go with this run, and the next one writes them again.
                    error.wanted += sum(spool.allocated() for spool in self._spools)
        self._on_error()

    def guarded(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return work that is left undone when all is lost, and whose failure is the archive's.

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
                _log.exception("assembling failed", extra=self._about)
                self.fail(StorageFailed("an internal error stopped the writing; see the log"))

        return guarded

    def run_in_writer(self, work: Callable[[], None]) -> None:
        """Submit work to the writer, to be done in its turn."""
        self.writer.submit(self.guarded(work))

    def open_spool(self) -> DiskFile:
        """Open a file beside the archive that no kill can leave behind."""
        number = next(self._spool_count)
        path = self._path.with_name(f"{self._path.name}.spool-{number}")
        spool = DiskFile.nameless(path, self._reserve)
        with self._lock:
            self._spools.add(spool)
        return spool

    def close_spool(self, spool: DiskFile) -> None:
        """Close a spool, and with it discard what is in it; nobody may be writing to it."""
        with self._lock:
            is_open = spool in self._spools
            self._spools.discard(spool)
        if is_open:
            spool.close()

    # The writer's side.

    def write_block(
        self, block: memoryview, start: int, end: int, base: int, file: PlacedFile | None = None
    ) -> bool:
        """Write a block, to this file or a spool, and give it back; False where all is lost."""
        written = False

        def write() -> None:
            nonlocal written
            (file or self.places).write_block(block, start, end, base)
            written = True

        try:
            self.guarded(write)()
        finally:
            self.pool.give(block)
        return written

    # The job's side.

    def settle(self) -> None:
        """Return when everything handed to the writer is written."""
        self.writer.wait()

    def sync(self) -> None:
        """Make all that is written survive a power cut."""
        self.places.sync()

    def close(self) -> None:
        """Close the file and its spools; what is still on its way to the writer is dropped."""
        self.closed = True
        self.writer.wait()
        with self._lock:
            spools, self._spools = self._spools, set()
        for spool in spools:
            spool.close()
        if self.places is not self.file:
            self.places.close()
        self.file.close()
