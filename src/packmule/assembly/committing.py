"""The end of one entry's way: its body, now whole, becomes part of the archive.

Owns what is done with a whole body in each of its forms, and the entry's record. Leaves where bytes
lie to `archive_file` and `packing`, what a body is checked against to `body_check`. Runs in the
transfer loop's thread, but for what it hands to the writer and to the compress pool, and `soon`.

    whole ──> digested as it passed? ──no──> the rest is read back ──> compared ──> the archive's
                                └─────────────────yes────────────────────┘  └──> refused
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.sinks.protocol import InMemory, InPlace, InSpool
from packmule.errors import StorageFailed
from packmule.jobs.model import DoneEntry
from packmule.zipformat.headers import local_header_size
from packmule.zipformat.records import DEFLATED, MARKER_32, STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packmule.assembly.archive_file import ArchiveFile
    from packmule.assembly.body_check import BodyCheck
    from packmule.assembly.body_digest import BodyDigest
    from packmule.assembly.compress_pool import CompressPool
    from packmule.assembly.ledger import Ledger
    from packmule.assembly.sinks.protocol import Deflated, Whole
    from packmule.errors import Failure, WarningCode

# What is copied from a spool at once: other writes wait no longer than that.
_COPY_STEP = 16 * 1024 * 1024


# What is read back for a digest at once: other files' chunks wait no longer than that.
_READ_STEP = 4 * 1024 * 1024


class Committer:
    """Takes the whole bodies of one archive; `in_loop` does work in the transfer loop's thread.

    `can_read_back`: what was written to a place stays there. `is_stopping`: no further body is
    checked; the next run does that.
    """

    __slots__ = ("archive", "can_read_back", "compress_pool", "in_loop", "is_stopping", "ledger")

    def __init__(
        self,
        archive: ArchiveFile,
        ledger: Ledger,
        compress_pool: CompressPool,
        in_loop: Callable[[Callable[[], None]], None],
        *,
        can_read_back: bool = True,
    ) -> None:
        self.archive = archive
        self.ledger = ledger
        self.compress_pool = compress_pool
        self.in_loop = in_loop
        self.can_read_back = can_read_back
        self.is_stopping = False


class EntryCommit:
    """Takes the whole body of one entry; `modified_at` is a POSIX second.

    `warning` may be set until the body is whole. `now` and `soon` are what sinks call then. `check`
    is what the body must be; `on_fault` is called, in the loop's thread, where it is not.
    """

    __slots__ = ("_committer", "_on_fault", "check", "modified_at", "name", "position", "warning")

    def __init__(
        self,
        committer: Committer,
        position: int,
        name: str,
        modified_at: int | None,
        warning: WarningCode | None = None,
        *,
        check: BodyCheck | None = None,
        on_fault: Callable[[Failure], None] = lambda _failure: None,
    ) -> None:
        self._committer = committer
        self.check = check
        self._on_fault = on_fault
        self.position = position
        self.name = name
        self.modified_at = modified_at
        self.warning = warning

    def header_size(self, size: int) -> int:
        """Return how long the local header of an entry of that many bytes is."""
        return local_header_size(self.name.encode(), self.modified_at, zip64=size >= MARKER_32)

    def new_digest(self) -> BodyDigest | None:
        """Return what a new sink must feed with the body's bytes; None where nobody asks."""
        return None if self.check is None else self.check.begin()

    def soon(self, whole: Whole) -> None:
        """Do what `now` does, in the transfer loop's thread (any thread)."""
        self._committer.in_loop(lambda: self.now(whole))

    def now(self, whole: Whole) -> None:
        """Make a whole body part of the archive, once it is found to be the file."""
        check = self.check
        if check is None:
            self._commit(whole)
        elif isinstance(whole, InMemory):
            if whole.deflated is None:
                at = 0
                for piece in whole.pieces:
                    check.digest.take(piece, len(piece), at)
                    at += len(piece)
            self._judge(check, whole)
        else:
            # Behind its last block, which is digested on its way to the writer.
            scratch = self._committer.archive.scratch
            scratch.run_in_writer(lambda: self._read_back(check, whole))

    def _read_back(self, check: BodyCheck, whole: InPlace | InSpool) -> None:
        """Digest what is written and was not digested as it came, in steps; then judge."""
        committer, at = self._committer, check.digest.at
        scratch = committer.archive.scratch
        if committer.is_stopping:
            return
        if at >= whole.size or isinstance(whole, InSpool) or not committer.can_read_back:
            committer.in_loop(lambda: self._judge(check, whole))
            return

        def step() -> None:
            if committer.is_stopping:
                return
            length = min(_READ_STEP, whole.size - at)
            piece = scratch.places.read(whole.begin + at, length)
            if len(piece) != length:
                raise StorageFailed("the archive's scratch is shorter than what was written to it")
            check.digest.take(piece, length, at)
            self._read_back(check, whole)

        committer.compress_pool.submit(scratch, 0, scratch.guarded(step))

    def catch_up(self, begin: int, length: int) -> None:
        """Digest what an earlier run has written of the body, before more of it comes.

        Where it cannot be read back at the end, because its blocks will have been given back.
        """
        check, committer = self.check, self._committer
        if check is None or not check.is_required or committer.can_read_back:
            return
        for at in range(0, length, _READ_STEP):
            piece = committer.archive.scratch.places.read(begin + at, min(_READ_STEP, length - at))
            check.digest.take(piece, len(piece), at)

    def _judge(self, check: BodyCheck, whole: Whole) -> None:
        """Take a body that is the file, or is sent unchecked; refuse another. The loop's."""
        committer, size = self._committer, _size(whole)
        if committer.is_stopping and not isinstance(whole, InMemory):
            return
        failure = check.fault(size)
        if failure is None:
            self._commit(whole)
            return
        if isinstance(whole, InSpool):
            scratch = committer.archive.scratch
            scratch.run_in_writer(lambda: scratch.close_spool(whole.spool))
        self._on_fault(failure)

    def _commit(self, whole: Whole) -> None:
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
        receipt = self._receipt()
        if archive.plan is not None:
            stored = sum(map(len, pieces))
            archive.make_room(self.position, self.header_size(stored), stored)
        if deflated is None:
            size = packing.pack(
                self.position, self.name, pieces, self.modified_at,
                warning=self.warning, receipt=receipt,
            )  # fmt: skip
        else:
            size = deflated.size
            packing.pack(
                self.position, self.name, pieces, self.modified_at,
                method=DEFLATED, crc=deflated.crc, size=size, warning=self.warning, receipt=receipt,
            )  # fmt: skip
        if packing.tail > archive.space.until:
            archive.check_space(0)
        return size

    def _complete(self, whole: InPlace) -> int:
        """Complete a body that is in its place, but for what is on its way to the writer."""
        archive, size, receipt = self._committer.archive, whole.size, self._receipt()

        def complete() -> None:
            archive.complete(self._record(whole.offset, STORED, size, size, whole.crc(), receipt))

        archive.scratch.run_in_writer(complete)
        return size

    def _append(self, whole: InSpool) -> int:
        """Copy a body from its spool to the archive's tail, in steps."""
        archive, length = self._committer.archive, whole.length
        scratch = archive.scratch
        header_size = self.header_size(max(length, whole.size))
        offset = archive.reserve(header_size, length)
        self._committer.ledger.in_flight(self.position, offset)
        method = DEFLATED if whole.is_deflated else STORED
        receipt = self._receipt()

        def copy(at: int) -> None:
            step = min(_COPY_STEP, length - at)
            scratch.places.copy_range(whole.spool, at, step, offset + header_size + at)
            if at + step < length:
                scratch.run_in_writer(lambda: copy(at + step))
                return
            scratch.close_spool(whole.spool)
            record = self._record(offset, method, length, whole.size, whole.crc(), receipt)
            archive.complete(record)

        scratch.run_in_writer(lambda: copy(0))
        return whole.size

    def _receipt(self) -> str | None:
        return None if self.check is None else self.check.receipt()

    def _record(  # noqa: PLR0917 - one for each column
        self, offset: int, method: int, length: int, size: int, crc: int, receipt: str | None
    ) -> DoneEntry:
        return DoneEntry(
            self.position, self.name, offset, method, crc, length, size, self.modified_at,
            self.warning, receipt,
        )  # fmt: skip


def _size(whole: Whole) -> int:
    """Return the length of a body as it came out of its decoding."""
    if not isinstance(whole, InMemory):
        return whole.size
    return sum(map(len, whole.pieces)) if whole.deflated is None else whole.deflated.size
