"""Get one small document by the transfer loop: by its rules, with its retries and redirects.

Owns keeping the body in memory, up to a limit. What is in the document is up to the caller.
"""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

from packmule.errors import Failure, FailureCode
from packmule.outbound.fetch import Fetch
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.receiver import BodyRefused
from packmule.outbound.urls import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.head import Head
    from packmule.outbound.transfer_loop import TransferLoop
    from packmule.outbound.urls import Url

MAX_BYTES = 16 * 1024 * 1024
_PAUSE = 0.25


def get_document(
    loop: TransferLoop, rules: AddressRules, url: Url, check: Callable[[], None]
) -> bytes | Failure:
    """Return a document, or why it cannot be had.

    `check` is called now and then while waiting; what it raises ends the request.
    """
    refused = refusal(url, rules)
    if refused is not None:
        return Failure(*refused)
    receiver = _DocumentReceiver()
    fetches = JobQueue()
    fetches.push(Fetch(url, receiver))
    loop.add(fetches, ())
    try:
        while True:
            try:
                return receiver.outcome.get(timeout=_PAUSE)
            except queue.Empty:
                check()
    finally:
        loop.remove(fetches)


class _DocumentReceiver:
    """Keeps one body in memory (`outbound.receiver.Receiver`)."""

    segmented = None
    has_ended = False

    def __init__(self) -> None:
        self.outcome: queue.SimpleQueue[bytes | Failure] = queue.SimpleQueue()
        self._body = bytearray()

    @property
    def kept(self) -> int:
        """How many bytes are held."""
        return len(self._body)

    def tail(self, length: int) -> bytes:
        """Return up to so many of the last bytes."""
        return bytes(self._body[-length:])

    def accept(self, _head: Head, start: int, _total: int | None, _url: Url) -> None:
        """Keep what comes before `start`."""
        del self._body[start:]

    def write(self, view: memoryview) -> bool:
        """Keep the next bytes. Raises BodyRefused."""
        if len(self._body) + len(view) > MAX_BYTES:
            detail = f"the document is larger than {MAX_BYTES:,} bytes"
            raise BodyRefused(Failure(FailureCode.TOO_LARGE, detail))
        self._body += view
        return False

    def finish(self) -> None:
        """Report the document."""
        self.outcome.put(bytes(self._body))

    def fail(self, failure: Failure) -> None:
        """Report that the document cannot be had."""
        self.outcome.put(failure)

    def go_on(self, _start: int) -> None:
        """Do nothing: there are no segments."""

    def rest(self) -> None:
        """Do nothing: the little that is kept stays."""

    def postpone(self, _cause: Failure, _next_attempt_at: float) -> None:
        """Do nothing: the next try comes by itself."""
