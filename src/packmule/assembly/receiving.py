"""One source's way into the archive, from the transfer loop's side.

Owns what happens to a source over all its tries: its sink, and what becomes of the bytes kept so
far when a body starts over. Leaves the decision where a body goes to `placement`, making its sink
to `sink_factory`, taking the bytes to the sink, and when to ask again to the transfer loop. Runs in
the transfer loop's thread.

    accept(head) ──> decide ──> make a sink ──> write ... write ──> finish ──> on_whole

The first bytes of a body also tell whether it is the file at all (`names.page_check`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from packmule.assembly.body_check import body_check
from packmule.assembly.committing import EntryCommit
from packmule.assembly.names.content_disposition import announced_name
from packmule.assembly.names.meta_refresh import leads_to_file
from packmule.assembly.names.page_check import FIRST_BYTES, PAGE_BYTES, is_page, unexpected
from packmule.assembly.names.viewer_pages import viewer_page
from packmule.assembly.placement import decide
from packmule.assembly.sinks.peeked import PeekedSink
from packmule.assembly.sinks.placed import PlacedSink
from packmule.assembly.sinks.trial import TrialSink
from packmule.errors import WARNING_DETAILS, Failure, FailureCode, WarningCode
from packmule.jobs.model import FailedEntry, OnHtml, WaitingFile
from packmule.outbound.receiver import BodyRefused
from packmule.outbound.sent_digests import sent_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packmule.assembly.body_check import BodyCheck
    from packmule.assembly.committing import Committer
    from packmule.assembly.ledger import Ledger
    from packmule.assembly.names.entry_names import EntryNames
    from packmule.assembly.placement import JobContext
    from packmule.assembly.sink_factory import SinkFactory
    from packmule.assembly.sinks.protocol import Sink
    from packmule.assembly.sinks.segment import SegmentSink
    from packmule.jobs.model import OpenEntry, Source
    from packmule.outbound.head import Head
    from packmule.outbound.urls import Url


_FIRST_DATE: Final = 315_619_200
"""1980-01-02 UTC: a day behind the first date that a ZIP archive can hold in every time zone."""


_KEEPS: Final = frozenset(
    {
        FailureCode.ADDRESS_NOT_ALLOWED,
        FailureCode.DNS,
        FailureCode.CONNECT,
        FailureCode.TLS,
        FailureCode.TIMEOUT,
        FailureCode.STALLED,
        FailureCode.HTTP_STATUS,
        FailureCode.REDIRECTS,
        FailureCode.TRUNCATED,
    }
)
"""After these failures what came of a file is as good as before."""


@dataclass(frozen=True, slots=True)
class ReceivingJob:
    """What all receivers of one job share; `ask_checkpoint` has one made now.

    `fetch_again` has a file fetched once more from the start.
    """

    context: JobContext
    sources: Sequence[Source]
    names: EntryNames
    ledger: Ledger
    committer: Committer
    sinks: SinkFactory
    ask_checkpoint: Callable[[], None]
    fetch_again: Callable[[EntryReceiver], None]


class _UnseenBody(NamedTuple):
    """A body of which no byte has come: its entry, its head, its URL, its length if known."""

    entry: EntryCommit
    head: Head
    content_type: str | None
    url: str
    total: int | None


def _modified_at(head: Head) -> int:
    """Return when the file was last changed, as far as a ZIP archive can say so, else now.

    A checkpoint keeps it, so that a run that resumes gives the file the same date.
    """
    modified_at = head.modified_at
    return int(time.time()) if modified_at is None or modified_at < _FIRST_DATE else modified_at


def _nobody(_view: memoryview) -> bool:
    raise RuntimeError("bytes came for a body that has ended")


class EntryReceiver:
    """Receives one source's body (`outbound.receiver.Receiver`).

    `write` is the sink's own method: the transfer loop calls it without a detour.
    """

    __slots__ = (
        "_check", "_has_failed", "_is_second", "_job", "_segment", "_sink", "_source", "_take",
        "_unseen", "_whole", "position", "write",
    )  # fmt: skip

    def __init__(self, job: ReceivingJob, position: int) -> None:
        self._job = job
        self._source = job.sources[position]
        self._sink: Sink | None = None
        self._segment: SegmentSink | None = None
        self._whole = 0
        self._unseen: _UnseenBody | None = None
        self._check: BodyCheck | None = None
        self._is_second = False  # whether it is fetched once more, because it was another file
        self._has_failed = False
        self.position = position
        self._take: Callable[[memoryview], bool] = _nobody
        self.write: Callable[[memoryview], bool] = _nobody

    def __repr__(self) -> str:
        sink = "no sink" if self._sink is None else type(self._sink).__name__
        return f"<EntryReceiver {self.position}: {sink}, {self.held} bytes>"

    def restore(self, place: OpenEntry) -> None:
        """Take up an entry where a checkpoint left it."""
        job, position = self._job, self.position
        receipt = (place.etag, place.last_modified) if job.context.keeps_receipts else None
        self._check = body_check(self._source.expected, {}, receipt)
        entry = EntryCommit(
            job.committer, position, place.name, place.modified_at, place.warning,
            check=self._check, on_fault=self._refuse,
        )  # fmt: skip
        job.ledger.opened(position, self, place.size)
        self._sink = job.sinks.resume(entry, place)
        entry.catch_up(place.offset + place.header_size, place.written)

    @property
    def kept(self) -> int:
        """Where the next byte of this transfer belongs in the body."""
        sink = self._segment or self._sink
        return self._whole if sink is None else sink.kept

    @property
    def held(self) -> int:
        """How many bytes of the body are held (any thread)."""
        sink = self._sink
        if sink is None:
            return self._whole
        placed = self._placed
        return sink.kept if placed is None else placed.held + sink.kept - placed.kept

    @property
    def has_ended(self) -> bool:
        """Whether the body's own checksum says that it is whole."""
        return isinstance(self._sink, PeekedSink) and self._sink.has_ended

    def tail(self, length: int) -> bytes | None:
        """Return up to so many of the last bytes held; None if they cannot be read yet."""
        sink = self._segment or self._sink
        return b"" if sink is None else sink.tail(length)

    def accept(self, head: Head, start: int, total: int | None, url: Url) -> None:
        """Make ready for the bytes from `start` on; `url` answered. Raises BodyRefused."""
        self._job.ledger.resumed(self.position)
        self._segment = None
        sink = self._sink
        if start and sink is not None:
            sink.wake()
        else:
            sink = self._sink = self._chosen(head, total, url)
        if isinstance(sink, PlacedSink) and sink.is_held:
            take = sink.write_when_released
        else:
            take = sink.write
        if self._unseen is None:
            self.write = take
        else:
            self._take, self.write = take, self._write_first

    @property
    def segmented(self) -> PlacedSink | None:
        """The body where its bytes may come in any order; None where they must come in order."""
        placed, sink, check = self._placed, self._sink, self._check
        if placed is None or placed.is_held or self._unseen is not None:
            return None
        if check is not None and check.is_required and self._job.context.is_uploaded:
            return None  # what has been uploaded cannot be read back to be digested in order
        # What was held back until the first bytes were judged has to be in its place as well.
        return placed if sink is not None and sink.kept == placed.kept else None

    def go_on(self, start: int) -> None:
        """Make ready for more bytes of the segment that begins there."""
        self._job.ledger.resumed(self.position)
        placed = self._placed
        assert placed is not None  # noqa: S101 - it has segments
        self._segment = next(one for one in placed.segments if one.start == start)
        self._take = self.write = self._segment.write

    def _write_first(self, view: memoryview) -> bool:
        """Look at the first bytes of a body, then take them like all others."""
        if self._unseen is not None:
            body, self._unseen = self._unseen, None
            most = PAGE_BYTES if is_page(body.content_type) else FIRST_BYTES
            self._judge(body, bytes(view[:most]), is_whole=len(view) == body.total)
        return self._take(view)

    def _judge(self, body: _UnseenBody, first: bytes, *, is_whole: bool) -> None:
        """Refuse or mark what is not the file that the link announced. Raises BodyRefused."""
        job, entry, head = self._job, body.entry, body.head
        advice = viewer_page(body.url, first) if first and is_page(body.content_type) else None
        if advice is not None:
            raise BodyRefused(Failure(FailureCode.VIEWER_PAGE, advice, head.status))
        disposition = head.fields.get("content-disposition")
        warning = unexpected(
            self._source,
            entry.name,
            body.content_type,
            first,
            announced=announced_name(disposition) if disposition else None,
            is_whole=is_whole,
        )
        if warning is WarningCode.HTML_PAGE and (file := leads_to_file(body.url, first)):
            advice = f"expected a file but got a page that leads on to {file}: use that link"
            raise BodyRefused(Failure(FailureCode.VIEWER_PAGE, advice, head.status))
        if warning is WarningCode.HTML_PAGE and job.context.on_html is OnHtml.FAIL:
            raise BodyRefused(Failure(FailureCode.HTML_PAGE, WARNING_DETAILS[warning], head.status))
        if warning is not None:
            entry.warning = warning
            job.ledger.warned(self.position, warning)

    def _chosen(self, head: Head, total: int | None, url: Url) -> Sink:
        """Choose where the body goes, now that its head tells its length and name."""
        job, position, fields = self._job, self.position, head.fields
        name = job.context.folder + job.names.claim(
            position,
            content_disposition=fields.get("content-disposition"),
            content_type=fields.get("content-type"),
            final_url=None if url.text == self._source.url else url.text,
        )
        placement = decide(job.context, head, name, total)
        # Where the body is coded, what is announced may be the length of something else.
        length = None if placement.codings else total
        job.ledger.opened(position, self, length)
        check = self._check = self._body_check(head)
        if check is not None and length is not None and (wrong := check.size_fault(length)):
            raise BodyRefused(wrong)
        entry = EntryCommit(
            job.committer, position, name, _modified_at(head),
            check=check, on_fault=self._refuse,
        )  # fmt: skip
        self._unseen = _UnseenBody(entry, head, head.content_type, url.text, total)
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

    def _body_check(self, head: Head) -> BodyCheck | None:
        """Return what the body behind a head must be; None where nothing is known or wanted."""
        job, fields = self._job, head.fields
        receipt = None
        if job.context.keeps_receipts:
            receipt = fields.get("etag"), fields.get("last-modified")
        return body_check(self._source.expected, sent_digests(head), receipt)

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

    def postpone(self, cause: Failure, next_attempt_at: float) -> None:
        """Record why the try failed, and when the next one comes, in POSIX seconds."""
        name = self._source.name
        self._job.ledger.postponed(WaitingFile(self.position, name, cause, next_attempt_at))

    def finish(self) -> None:
        """Hand the whole body on; raises BodyRefused."""
        sink = self._sink
        assert sink is not None  # noqa: S101 - a body that ended has begun
        if self._unseen is not None:
            self._judge(self._unseen, b"", is_whole=True)
        self._whole = self.held
        sink.finish()
        self._sink = self._segment = self._unseen = None
        self._take = self.write = _nobody

    def _refuse(self, failure: Failure) -> None:
        """Let go of a whole body that is another file; the first time it is fetched once more."""
        self._job.ledger.displaced(self.position)
        self.fail(failure)

    def fail(self, failure: Failure) -> None:
        """Record that the source has failed for good.

        Its bytes are let go, unless a retry may go on from them. One that was another file is
        fetched once more first.
        """
        if self._has_failed:
            return
        job, position = self._job, self.position
        if job.context.keeps_failed and failure.code in _KEEPS and self._may_be_kept():
            self._has_failed = True
            self._keep(failure)
            return
        self.let_go()
        if failure.code is FailureCode.CHECKSUM:
            if not self._is_second:
                self._is_second = True
                job.fetch_again(self)
                return
            failure = replace(failure, attempts=max(2, failure.attempts))
        self._has_failed = True
        job.names.release(position)
        if job.ledger.failed(FailedEntry(position, self._source.name or "", failure)):
            job.committer.archive.flush()

    def _may_be_kept(self) -> bool:
        """Return whether bytes are in a place, of a version that can be told from others."""
        placed, place = self._placed, self._job.ledger.place_of(self.position)
        if placed is None or place is None or placed.is_held or self._unseen is not None:
            return False
        return placed.held > 0 and (place.etag or place.last_modified) is not None

    def _keep(self, failure: Failure) -> None:
        """Record the failure once all bytes that came are written."""
        job, position = self._job, self.position
        self.rest()
        place = job.ledger.place_of(position)
        name = "" if place is None else place.name
        archive = job.committer.archive

        def record() -> None:
            if job.ledger.failed(FailedEntry(position, name, failure), keeps=True):
                job.committer.in_loop(archive.flush)

        archive.scratch.run_in_writer(record)

    def let_go(self) -> None:
        """Discard what is held of the body, and the memory it is in."""
        if self._sink is not None:
            self._sink.discard()
            self._sink = self._segment = None
            self._job.ledger.displaced(self.position)
        self._whole = 0
        self._unseen = None
        self._take = self.write = _nobody
