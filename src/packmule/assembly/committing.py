"""The end of one entry's way: its body, now whole, becomes part of the archive.

Owns what is done with a whole body in each of its forms, and the entry's record. Leaves where bytes
lie to `archive_file` and `packing`. Runs in the transfer loop's thread, but for what it hands to
the writer, and `soon`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.sinks.protocol import InMemory, InPlace
from packmule.jobs.model import DoneEntry
from packmule.zipformat.headers import local_header_size
from packmule.zipformat.records import DEFLATED, MARKER_32, STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packmule.assembly.archive_file import ArchiveFile
    from packmule.assembly.ledger import Ledger
    from packmule.assembly.sinks.protocol import Deflated, InSpool, Whole
    from packmule.errors import WarningCode

# What is copied from a spool at once: other writes wait no longer than that.
_COPY_STEP = 16 * 1024 * 1024


class Committer:
    """Takes the whole bodies of one archive; `in_loop` does work in the transfer loop's thread."""

    __slots__ = ("archive", "in_loop", "ledger")

    def __init__(
        self,
        archive: ArchiveFile,
        ledger: Ledger,
        in_loop: Callable[[Callable[[], None]], None],
    ) -> None:
        self.archive = archive
        self.ledger = ledger
        self.in_loop = in_loop


class EntryCommit:
    """Takes the whole body of one entry; `modified_at` is a POSIX second.

    `warning` may be set until the body is whole. `now` and `soon` are what sinks call then.
    """

    __slots__ = ("_committer", "modified_at", "name", "position", "warning")

    def __init__(
        self,
        committer: Committer,
        position: int,
        name: str,
        modified_at: int | None,
        warning: WarningCode | None = None,
    ) -> None:
        self._committer = committer
        self.position = position
        self.name = name
        self.modified_at = modified_at
        self.warning = warning

    def header_size(self, size: int) -> int:
        """Return how long the local header of an entry of that many bytes is."""
        return local_header_size(self.name.encode(), self.modified_at, zip64=size >= MARKER_32)

    def soon(self, whole: Whole) -> None:
        """Do what `now` does, in the transfer loop's thread (any thread)."""
        self._committer.in_loop(lambda: self.now(whole))

    def now(self, whole: Whole) -> None:
        """Make a whole body part of the archive."""
        committer = self._committer
        if isinstance(whole, InMemory):
            size = self._pack(whole.pieces, whole.deflated)
        elif isinstance(whole, InPlace):
            size = self._complete(whole)
        else:
            size = self._append(whole)
        if committer.ledger.handed_over(self.position, size):
            committer.archive.flush()  # nothing more will be packed into the shared block

    def _pack(self, pieces: Sequence[bytes], deflated: Deflated | None) -> int:
        """Pack a body that is in memory; return its length before compression."""
        archive = self._committer.archive
        packing = archive.packing
        if deflated is None:
            size = packing.pack(
                self.position, self.name, pieces, self.modified_at, warning=self.warning
            )
        else:
            size = deflated.size
            packing.pack(
                self.position, self.name, pieces, self.modified_at,
                method=DEFLATED, crc=deflated.crc, size=size, warning=self.warning,
            )  # fmt: skip
        if packing.tail > archive.space.until:
            archive.check_space(0)
        return size

    def _complete(self, whole: InPlace) -> int:
        """Complete a body that is in its place, but for what is on its way to the writer."""
        archive, size = self._committer.archive, whole.size

        def complete() -> None:
            archive.complete(self._record(whole.offset, STORED, size, size, whole.crc()))

        archive.scratch.run_in_writer(complete)
        return size

    def _append(self, whole: InSpool) -> int:
        """Copy a body from its spool to the archive's tail, in steps."""
        archive, length = self._committer.archive, whole.length
        scratch = archive.scratch
        header_size = self.header_size(max(length, whole.size))
        offset = archive.reserve(header_size + length)
        method = DEFLATED if whole.is_deflated else STORED

        def copy(at: int) -> None:
            step = min(_COPY_STEP, length - at)
            scratch.file.copy_range(whole.spool, at, step, offset + header_size + at)
            if at + step < length:
                scratch.run_in_writer(lambda: copy(at + step))
                return
            scratch.close_spool(whole.spool)
            archive.complete(self._record(offset, method, length, whole.size, whole.crc()))

        scratch.run_in_writer(lambda: copy(0))
        return whole.size

    def _record(self, offset: int, method: int, length: int, size: int, crc: int) -> DoneEntry:
        return DoneEntry(
            self.position, self.name, offset, method, crc, length, size, self.modified_at,
            self.warning,
        )  # fmt: skip
