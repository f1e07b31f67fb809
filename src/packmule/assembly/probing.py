"""Look at what links lead to without packing it: names, sizes, and which links are dead.

Owns one request per link, of which only the head and the first bytes are read, by the transfer loop
and so under the same rules as packing. Leaves naming to `names.entry_names` and judging first bytes
to `names.page_check`. A small body is read to its end, so that its connection serves the next link.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.assembly.names.content_disposition import announced_name
from packmule.assembly.names.entry_names import EntryNames
from packmule.assembly.names.page_check import PAGE_BYTES, is_page, unexpected
from packmule.assembly.names.viewer_pages import viewer_page
from packmule.errors import Failure, FailureCode, WarningCode
from packmule.outbound.fetch import Fetch
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.receiver import BodyRefused
from packmule.outbound.share_links import rewritten
from packmule.outbound.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packmule.assembly.resources import SharedResources
    from packmule.assembly.run import StopSignal
    from packmule.jobs.model import Source
    from packmule.outbound.head import Head
    from packmule.outbound.urls import Url

_READ_TO_ITS_END = 64 * 1024
_PAUSE = 0.25
_SEEN = Failure(FailureCode.INTERNAL, "seen")


@dataclass(frozen=True, slots=True)
class Probed:
    """What one link leads to: a file of this name, or a failure.

    `size` in bytes is None where the server does not say it.
    """

    position: int
    name: str | None = None
    size: int | None = None
    warning: WarningCode | None = None
    failure: Failure | None = None


def probe(
    sources: Sequence[Source], resources: SharedResources, stop: StopSignal
) -> Iterator[Probed]:
    """Yield what each link leads to, in order, each as soon as it is known.

    Ends early when asked to stop. The links must be valid (`outbound.urls.parse`).
    """
    limits = resources.limits
    links = [rewritten(source.url, limits.rewrite_links) for source in sources]
    names = EntryNames([(link, each.name) for link, each in zip(links, sources, strict=True)])
    arrived: queue.SimpleQueue[Probed] = queue.SimpleQueue()
    fetches = JobQueue()

    def make(position: int) -> Fetch:
        url = parse(links[position], max_length=limits.max_url_length)
        return Fetch(url, _HeadReceiver(sources[position], names, arrived))

    fetches.make = make
    for position, link in enumerate(links):
        fetches.plan(parse(link, max_length=limits.max_url_length).origin, position)
    resources.loop.add(fetches, ())
    try:
        yield from _in_order(len(links), arrived, resources, stop)
    finally:
        resources.loop.remove(fetches)


def _in_order(
    count: int,
    arrived: queue.SimpleQueue[Probed],
    resources: SharedResources,
    stop: StopSignal,
) -> Iterator[Probed]:
    early: dict[int, Probed] = {}
    for position in range(count):
        while position not in early:
            if stop.is_set():
                return
            try:
                one = arrived.get(timeout=_PAUSE)
            except queue.Empty:
                resources.check()
            else:
                early[one.position] = one
        yield early.pop(position)


class _HeadReceiver:
    """Receives the head and the first bytes of one body (`outbound.receiver.Receiver`)."""

    __slots__ = (
        "_arrived", "_head", "_is_judged", "_name", "_names", "_size", "_source", "_url", "kept",
    )  # fmt: skip

    segmented = None
    has_ended = False

    def __init__(
        self, source: Source, names: EntryNames, arrived: queue.SimpleQueue[Probed]
    ) -> None:
        self.kept = 0
        self._source = source
        self._names = names
        self._arrived = arrived
        self._head: Head | None = None
        self._is_judged = False
        self._name = self._url = ""
        self._size: int | None = None

    def tail(self, _length: int) -> bytes:
        """Return nothing: no byte is held."""
        return b""

    def accept(self, head: Head, _start: int, total: int | None, url: Url) -> None:
        """Note the name and size that the head tells. Raises BodyRefused."""
        if self._is_judged:
            raise BodyRefused(_SEEN)  # the rest of a small body is not worth another try
        self._head, self._url = head, url.text
        self._size = None if head.content_codings else total
        self._name = self._names.claim(
            self._source.position,
            content_disposition=head.fields.get("content-disposition"),
            content_type=head.fields.get("content-type"),
            final_url=None if url.text == self._source.url else url.text,
        )

    def write(self, view: memoryview) -> bool:
        """Judge the first bytes; read on to the end of a small body. Raises BodyRefused."""
        if not self._is_judged:
            self._judge(bytes(view[:PAGE_BYTES]), is_whole=len(view) == self._size)
        self.kept += len(view)
        if self._size is None or self._size > _READ_TO_ITS_END:
            raise BodyRefused(_SEEN)
        return False

    def finish(self) -> None:
        """Judge an empty body."""
        if not self._is_judged:
            self._judge(b"", is_whole=True)

    def fail(self, failure: Failure) -> None:
        """Report that the link is dead, unless its first bytes have been judged."""
        if not self._is_judged:
            self._arrived.put(Probed(self._source.position, failure=failure))

    def go_on(self, _start: int) -> None:
        """Do nothing: there are no segments."""

    def rest(self) -> None:
        """Forget what was kept: another try starts over."""
        self.kept = 0

    def postpone(self, _cause: Failure, _next_attempt_at: float) -> None:
        """Do nothing: the next try comes by itself."""

    def _judge(self, first: bytes, *, is_whole: bool) -> None:
        head = self._head
        assert head is not None  # noqa: S101 - a body follows its head
        if first and is_page(head.content_type) and (advice := viewer_page(self._url, first)):
            raise BodyRefused(Failure(FailureCode.VIEWER_PAGE, advice, head.status))
        disposition = head.fields.get("content-disposition")
        warning = unexpected(
            self._source,
            self._name,
            head.content_type,
            first,
            announced=announced_name(disposition) if disposition else None,
            is_whole=is_whole,
        )
        self._is_judged = True
        self._arrived.put(Probed(self._source.position, self._name, self._size, warning))
