"""One source's way into the archive, from the transfer loop's side.

Owns what happens to a source over all its tries: its sink, and what becomes of the bytes kept so
far when a body begins anew. Leaves the decision where a body goes to `placement`, making its sink
to `sink_factory`, taking the bytes to the sink, and when to ask again to the transfer loop. Runs in
the transfer loop's thread.

    accept(head) ──> decide ──> make a sink ──> write ... write ──> finish ──> on_whole
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.assembly.committing import EntryCommit
from packmule.assembly.names.html_pages import is_page_for_media
from packmule.assembly.placement import decide
from packmule.assembly.sinks.peeked import PeekedSink
from packmule.assembly.sinks.placed import PlacedSink
from packmule.assembly.sinks.trial import TrialSink
from packmule.jobs.model import FailedEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packmule.assembly.committing import Committer
    from packmule.assembly.ledger import Ledger
    from packmule.assembly.names.entry_names import EntryNames
    from packmule.assembly.placement import JobContext
    from packmule.assembly.sink_factory import SinkFactory
    from packmule.assembly.sinks.protocol import Sink
    from packmule.errors import Failure
    from packmule.jobs.model import OpenEntry, Source
    from packmule.outbound.head import Head
    from packmule.outbound.urls import Url


@dataclass(frozen=True, slots=True)
class ReceivingJob:
    """What all receivers of one job share; `ask_checkpoint` has one made now."""

    context: JobContext
    sources: Sequence[Source]
    names: EntryNames
    ledger: Ledger
    committer: Committer
    sinks: SinkFactory
    ask_checkpoint: Callable[[], None]


def _nobody(_view: memoryview) -> bool:
    raise RuntimeError("bytes came for a body that has ended")


class EntryReceiver:
    """Receives one source's body (`outbound.receiver.Receiver`).

    `write` is the sink's own method: the transfer loop calls it without a detour.
    """

    __slots__ = ("_job", "_sink", "_whole", "position", "write")

    def __init__(self, job: ReceivingJob, position: int) -> None:
        self._job = job
        self._sink: Sink | None = None
        self._whole = 0
        self.position = position
        self.write: Callable[[memoryview], bool] = _nobody

    def __repr__(self) -> str:
        sink = "no sink" if self._sink is None else type(self._sink).__name__
        return f"<EntryReceiver {self.position}: {sink}, {self.kept} bytes>"

    def restore(self, place: OpenEntry) -> None:
        """Take up an entry where a checkpoint left it."""
        page = is_page_for_media(place.content_type, place.name)
        entry = EntryCommit(
            self._job.committer, self.position, place.name, place.modified_at, html_page=page
        )
        self._job.ledger.opened(self.position, self, place.size)
        self._sink = self._job.sinks.resume(entry, place)

    @property
    def kept(self) -> int:
        """How many bytes of the body are held (any thread)."""
        sink = self._sink
        return self._whole if sink is None else sink.kept

    @property
    def has_ended(self) -> bool:
        """Whether the body's own checksum says that it is whole."""
        return isinstance(self._sink, PeekedSink) and self._sink.has_ended

    def tail(self, length: int) -> bytes | None:
        """Return up to so many of the last bytes held; None if they cannot be read yet."""
        return b"" if self._sink is None else self._sink.tail(length)

    def accept(self, head: Head, start: int, total: int | None, url: Url) -> None:
        """Make ready for the bytes from `start` on; `url` answered. Raises BodyRefused."""
        sink = self._sink
        if start and sink is not None:
            sink.wake()
        else:
            sink = self._sink = self._chosen(head, total, url)
        if isinstance(sink, PlacedSink) and sink.is_held:
            self.write = sink.write_when_released
        else:
            self.write = sink.write

    def _chosen(self, head: Head, total: int | None, url: Url) -> Sink:
        """Choose where the body goes, now that its head tells its length and name."""
        job, position, fields = self._job, self.position, head.fields
        name = job.names.claim(
            position,
            content_disposition=fields.get("content-disposition"),
            content_type=fields.get("content-type"),
            final_url=None if url.text == job.sources[position].url else url.text,
        )
        placement = decide(job.context, head, name, total)
        # Where the body is coded, what is announced may be the length of something else.
        job.ledger.opened(position, self, None if placement.codings else total)
        entry = EntryCommit(
            job.committer, position, name, head.modified_at, html_page=placement.html_page
        )
        if self._sink is not None:
            placed = self._placed
            if (
                placed is not None
                and not placement.codings
                and job.sinks.begin_anew(placed, entry, head, total)
            ):
                if placed.is_held:
                    job.ask_checkpoint()
                return placed
            self.let_go()
        return job.sinks.make(placement, entry, head, total)

    @property
    def _placed(self) -> PlacedSink | None:
        """The sink that fills a place in the archive; None where the body has none."""
        sink = self._sink
        while isinstance(sink, TrialSink | PeekedSink):
            sink = sink.inner
        return sink if isinstance(sink, PlacedSink) else None

    def rest(self) -> None:
        """Hold little memory between two tries."""
        if self._sink is not None:
            self._sink.rest()

    def finish(self) -> None:
        """Hand the whole body on; raises BodyRefused."""
        sink = self._sink
        assert sink is not None  # noqa: S101 - a body that ended has begun
        self._whole = sink.kept
        sink.finish()
        self._sink = None
        self.write = _nobody

    def fail(self, failure: Failure) -> None:
        """Record that the source has failed for good, and let its bytes go."""
        self.let_go()
        job, position = self._job, self.position
        job.names.release(position)
        if job.ledger.failed(FailedEntry(position, job.sources[position].name or "", failure)):
            job.committer.archive.flush()

    def let_go(self) -> None:
        """Discard what is held of the body, and the memory it is in."""
        if self._sink is not None:
            self._sink.discard()
            self._sink = None
            self._job.ledger.displaced(self.position)
        self._whole = 0
        self.write = _nobody
