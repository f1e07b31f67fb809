"""The sinks that placements name, each joined to what becomes of its body.

Owns the making of sinks, and the reservation of places. Leaves the decision to `placement`, taking
the bytes to the sinks, whole bodies to `committing`. Runs in the transfer loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.compression import gains
from packmule.assembly.content_coding import (
    PEEK_BYTES,
    CodingUnsupportedError,
    wrappers_to_undo,
)
from packmule.assembly.placement import Storing
from packmule.assembly.sinks.decoded import DecodedSink, decode_small
from packmule.assembly.sinks.deflated import DeflatedSink, pack_deflated
from packmule.assembly.sinks.memory import MemorySink
from packmule.assembly.sinks.peeked import PeekedSink
from packmule.assembly.sinks.placed import PlacedSink
from packmule.assembly.sinks.protocol import InMemory
from packmule.assembly.sinks.spooled import SpooledSink
from packmule.assembly.sinks.trial import TrialSink
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import OpenEntry
from packmule.outbound.receiver import BodyRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.assembly.archive_file import ArchiveFile
    from packmule.assembly.committing import EntryCommit
    from packmule.assembly.compress_pool import CompressPool
    from packmule.assembly.content_coding import Wrapper
    from packmule.assembly.ledger import Ledger
    from packmule.assembly.placement import JobContext, Placement
    from packmule.assembly.sinks.protocol import Sink
    from packmule.outbound.head import Head

_MEMORY, _SPOOL = Storing.MEMORY, Storing.SPOOL
# What one layer of deflate can make of so few bytes (1,032 times as many) stays in memory.
_MOST_OF_SHORT = 1032 * PEEK_BYTES


class SinkFactory:
    """Makes the sinks of one job; `nudge` has the transfer loop go on with who is paused."""

    def __init__(
        self,
        context: JobContext,
        archive: ArchiveFile,
        ledger: Ledger,
        compress_pool: CompressPool,
        nudge: Callable[[], None],
    ) -> None:
        self._context = context
        self._archive = archive
        self._scratch = archive.scratch
        self._ledger = ledger
        self._compress_pool = compress_pool
        self._nudge = nudge

    def make(
        self, placement: Placement, entry: EntryCommit, head: Head, length: int | None
    ) -> Sink:
        """Make the sink for a body, and reserve its place where it has one.

        `length` is the body's, None where only its end tells.
        """
        if placement.codings:
            return self._peeked(placement, entry, head, length)
        return self._plain(placement, entry, head, length)

    def _plain(
        self, placement: Placement, entry: EntryCommit, head: Head, length: int | None
    ) -> Sink:
        """Make the sink for a body that is what the origin published."""
        if placement.is_tried:
            return self._trial(placement.storing, entry, head, length)
        return self._stored(placement.storing, entry, head, length)

    def _peeked(
        self, placement: Placement, entry: EntryCommit, head: Head, length: int | None
    ) -> Sink:
        """Make the sink for a body that claims a Content-Encoding: its first bytes are judged."""

        def judge(first: bytes) -> tuple[Wrapper, ...]:
            try:
                return wrappers_to_undo(placement.codings, entry.name, head.content_type, first)
            except CodingUnsupportedError as error:
                detail = (
                    f"the server compressed the file with '{error.coding}', which Packmule neither "
                    "asked for nor can undo"
                )
                raise BodyRefused(Failure(FailureCode.BAD_RESPONSE, detail)) from error

        def choose(first: bytes) -> Sink:
            wrappers = judge(first)
            if not wrappers:
                return self._plain(placement, entry, head, length)
            # Range counts what is sent (RFC 9110 14.1.2), but how much it becomes is unknown.
            unknown = placement._replace(storing=_SPOOL)
            inner = self._plain(unknown, entry, head, None)
            limits = self._context.limits
            return DecodedSink(
                wrappers, inner, self._scratch.pool, limit=limits.max_file_bytes,
                ratio=limits.max_unpack_ratio, again=self._nudge,
            )  # fmt: skip

        def on_short(whole: bytes) -> None:
            pieces = decode_small(judge(whole), whole, _MOST_OF_SHORT)
            if placement.is_tried:
                pack_deflated(
                    pieces, self._context.compression, self._scratch, self._compress_pool,
                    on_whole=entry.now, on_whole_soon=entry.soon, digest=entry.new_digest(),
                )  # fmt: skip
            else:
                entry.now(InMemory(pieces))

        return PeekedSink(choose, on_short)

    def resume(self, entry: EntryCommit, place: OpenEntry) -> PlacedSink:
        """Make the sink for a body whose beginning a checkpoint knows."""
        sink = PlacedSink(self._scratch, place, entry.now, entry.new_digest())
        self._ledger.placed(place, sink)
        return sink

    def begin_anew(
        self, sink: PlacedSink, entry: EntryCommit, head: Head, length: int | None
    ) -> bool:
        """Make a sink take another version of its body; False where its place does not fit.

        The sink may have a hold then, and so waits for a checkpoint.
        """
        place = self._ledger.place_of(entry.position)
        if length is None or place is None or (place.name, place.size) != (entry.name, length):
            return False
        if place.header_size != entry.header_size(length):
            return False
        version = sink.begin_anew(entry.now, entry.new_digest())
        sink.hold = self._ledger.begin_anew(_place(entry, head, place.offset, length), version)
        return True

    def _stored(self, storing: Storing, entry: EntryCommit, head: Head, length: int | None) -> Sink:
        """Make the sink for a body that is kept as it is."""
        if storing is _SPOOL or length is None:
            most = self._context.limits.max_file_bytes
            return SpooledSink(self._scratch, most, entry.now, entry.new_digest())
        if storing is _MEMORY:
            return MemorySink(self._scratch.pool, length, entry.now)
        offset = self._archive.reserve(entry.header_size(length), length)
        return self.resume(entry, _place(entry, head, offset, length))

    def _trial(self, storing: Storing, entry: EntryCommit, head: Head, length: int | None) -> Sink:
        """Make the sink for a body that may be worth deflating."""
        scratch, pool = self._scratch, self._compress_pool
        wanted, limit = self._context.compression, self._context.limits.max_file_bytes

        def choose(first: bytes) -> Sink:
            if gains(wanted, first):
                digest = entry.new_digest()
                return DeflatedSink(scratch, pool, length, limit, entry.soon, digest=digest)
            return self._stored(storing, entry, head, length)

        return TrialSink(
            scratch, pool, wanted, length, limit=limit, choose=choose,
            on_whole=entry.now, on_whole_soon=entry.soon, digest=entry.new_digest(),
        )  # fmt: skip


def _place(entry: EntryCommit, head: Head, offset: int, length: int) -> OpenEntry:
    return OpenEntry(
        entry.position, entry.name, offset, entry.header_size(length), length, 0, 0,
        head.etag, head.last_modified, head.content_type, entry.modified_at,
    )  # fmt: skip
