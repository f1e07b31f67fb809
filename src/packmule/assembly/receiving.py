"""One source's way into the archive: its name, and where its bytes go.

Owns the choice of the body when a head arrives, and what becomes of the bytes kept so far when one
begins anew. Leaves taking the bytes to the bodies (`sinks`, `trial`, `deflated`, `decoded`),
what becomes of a whole one to `committing`, and when to ask again to the transfer loop. Runs in the
transfer loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.committing import Ending
from packmule.assembly.compression import gains, may_gain
from packmule.assembly.names.html_pages import is_page_for_media
from packmule.assembly.sinks.decoded import DecodedSink, coding_of
from packmule.assembly.sinks.deflated import DeflatedSink
from packmule.assembly.sinks.memory import MemorySink
from packmule.assembly.sinks.placed import PlacedSink
from packmule.assembly.sinks.protocol import SMALL_BYTES
from packmule.assembly.sinks.spooled import SpooledSink
from packmule.assembly.sinks.trial import TrialSink
from packmule.errors import HTML_PAGE_DETAIL, Failure, FailureCode
from packmule.jobs.model import OnHtml, OpenEntry
from packmule.outbound.receiver import BodyRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.assembly.assembly import Assembly
    from packmule.assembly.sinks.protocol import Sink
    from packmule.outbound.head import Head


def _nobody(_view: memoryview) -> bool:
    raise RuntimeError("bytes came for a body that has ended")


class EntryReceiver:
    """Receives one source's body (`outbound.receiver.Receiver`)."""

    __slots__ = ("_assembly", "_ending", "body", "position", "size", "write")

    def __init__(self, assembly: Assembly, position: int) -> None:
        self._assembly = assembly
        self._ending: Ending | None = None
        self.position = position
        self.body: Sink | None = None
        self.size: int | None = None
        self.write: Callable[[memoryview], bool] = _nobody

    def restore(self, entry: OpenEntry) -> None:
        """Take up an entry where a checkpoint left it."""
        self.size = entry.size
        page = is_page_for_media(entry.content_type, entry.name)
        self._ending = Ending(self._assembly, self, entry.name, entry.modified_at, html_page=page)
        self.body = PlacedSink(self._assembly.archive, entry)

    @property
    def kept(self) -> int:
        """Bytes of the body held."""
        return self.body.kept if self.body is not None else 0

    @property
    def placed(self) -> PlacedSink | None:
        """The body, where it has a place in the archive (any thread)."""
        body = self.body
        if isinstance(body, TrialSink):
            body = body.inner
        return body if isinstance(body, PlacedSink) else None

    def accept(self, head: Head, start: int, total: int | None) -> None:
        """Make ready for the bytes from `start` on; raises BodyRefused."""
        body = self.body
        if start and body is not None:
            body.wake()
        else:
            body = self.body = self._chosen(head, total)
        if isinstance(body, PlacedSink) and body.barred:
            self.write = body.write_when_forgotten
        else:
            self.write = body.write

    def _chosen(self, head: Head, total: int | None) -> Sink:
        """Choose where the body goes, now that its head tells its length and name."""
        assembly = self._assembly
        coding = None
        if head.content_encoding is not None:
            coding = coding_of(head)
            total = None  # what is announced is another length, or cannot be relied on
        assembly.learn_length(self, total)
        name = assembly.claim_name(self.position, head)
        page = is_page_for_media(head.content_type, name)
        if page and assembly.on_html is OnHtml.FAIL:
            raise BodyRefused(Failure(FailureCode.HTML_PAGE, HTML_PAGE_DETAIL, head.status))
        ending = self._ending = Ending(assembly, self, name, head.modified_at, html_page=page)
        if self.body is not None:
            if total is not None and (again := self._same_place(ending, head, total)) is not None:
                return again
            self.let_go()
            self._ending = ending
        body: Sink
        if may_gain(assembly.compression, head.content_type, name):
            body = self._candidate(ending, head, total)
        else:
            body = self._stored(ending, head, total)
        if coding is None:
            return body
        pool, ratio = assembly.archive.pool, assembly.limits.max_unpack_ratio
        return DecodedSink(coding, body, pool, ratio=ratio, again=assembly.nudge)

    def _stored(self, ending: Ending, head: Head, total: int | None) -> Sink:
        """Choose for a body that is kept as it is."""
        archive = self._assembly.archive
        if total is None:
            return SpooledSink(archive, self._assembly.limits.max_file_bytes)
        if total <= SMALL_BYTES:
            return MemorySink(archive.pool, total)
        header_size = ending.header_size(total)
        self._assembly.check_room(header_size + total)
        offset = archive.reserve(header_size + total)
        return PlacedSink(archive, self._place(ending, head, offset, header_size, total))

    def _candidate(self, ending: Ending, head: Head, total: int | None) -> Sink:
        """Choose for a body that may be worth deflating."""
        assembly = self._assembly
        wanted, limit = assembly.compression, assembly.limits.max_file_bytes

        def choose(first: bytes) -> Sink:
            if gains(wanted, first):
                return DeflatedSink(assembly.archive, assembly.compress_pool, total, limit)
            return self._stored(ending, head, total)

        return TrialSink(
            assembly.archive, assembly.compress_pool, wanted, total, limit=limit, choose=choose
        )

    def _same_place(self, ending: Ending, head: Head, total: int) -> PlacedSink | None:
        """Begin anew in the place that is there, if it fits."""
        body = self.placed
        if body is None:
            return None
        place = body.place
        if (place.name, place.size) != (ending.name, total):
            return None
        header_size = ending.header_size(total)
        if place.header_size != header_size:
            return None
        if body.begin_anew(self._place(ending, head, place.offset, header_size, total)):
            self._assembly.ask_checkpoint()
        return body

    def _place(
        self, ending: Ending, head: Head, offset: int, header_size: int, size: int
    ) -> OpenEntry:
        return OpenEntry(
            self.position, ending.name, offset, header_size, size, 0, 0,
            head.etag, head.last_modified, head.content_type, ending.modified_at,
        )  # fmt: skip

    def rest(self) -> None:
        """Between two tries: hold little memory."""
        if self.body is not None:
            self.body.rest()

    def finish(self) -> None:
        """Hand the whole body on to the archive; raises BodyRefused."""
        assert self.body is not None  # noqa: S101 - a body that ended has begun
        assert self._ending is not None  # noqa: S101
        self.body.finish(self._ending)

    def fail(self, failure: Failure) -> None:
        """Record that the source has failed for good, and let its bytes go."""
        self.let_go()
        self._assembly.note_failure(self, failure)

    def let_go(self) -> None:
        """Give up what is held of the body, and the memory it is in."""
        if self.body is not None:
            self.body.discard()
            self.forget()

    def forget(self) -> None:
        """Know the body no more: others have it, or nobody."""
        self.body = self._ending = None
        self.write = _nobody
