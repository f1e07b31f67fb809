"""The operations of a client: what is asked, what is believed, what is tried again.

Owns each operation as a generator of steps (`steps.py`), and which trouble is borne how long: who
asks one thing wants to know soon, who waits or downloads has time. Leaves the download's ranges to
`downloading.py`, all I/O to the drivers.
"""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from packmule.client import reading, requests
from packmule.client.backoff import Patience
from packmule.client.errors import BadAnswer, ServerUnreachable, WaitTimeout
from packmule.client.steps import Fault, Pause, Reply, Step, exchange
from packmule.client.values import InProgress, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packmule.client.errors import ClientError
    from packmule.client.steps import Request
    from packmule.client.values import CreateOptions, FilePage, Link, Status

T = TypeVar("T")
Steps = Generator[Step, Any, T]

ASKING = 10.0
"""Seconds in which one question is asked again."""
WAITING = 300.0
"""Seconds for which whoever waits or downloads bears that the server is away."""

_SUCCESS = range(200, 300)
TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
# A server may hold an answer for a minute; half of it, so that proxies do not lose patience.
_LONGEST_HOLD = 30.0
_EVERY = 1.0
# An answer that came sooner was not held.
_HELD = 0.8


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What operations are given from outside: time, chance, how long to bear, who is told."""

    asking: float = ASKING
    waiting: float = WAITING
    on_trouble: Callable[[Trouble], None] | None = None
    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def patience(self, bears: float) -> Patience:
        """Give a patience of so many seconds."""
        return Patience(bears, now=self.now, chance=self.chance)

    def told(self, detail: str, pause: float) -> Pause:
        """Tell of a trouble, and give the pause after it."""
        if self.on_trouble is not None:
            self.on_trouble(Trouble(detail, pause))
        return Pause(pause)


def judge(
    request: Request, outcome: Reply | Fault, read: Callable[[Reply], T]
) -> tuple[T | None, ClientError | None]:
    """Tell what an outcome is worth: a value, or an error that may be gone at the next try.

    Raises ClientError where another try would change nothing, or do harm.
    """
    if isinstance(outcome, Fault):
        done = outcome.sent and not request.again
        unsure = " Whether it was done is not known; ask for the status." if done else ""
        message = f"The server cannot be reached: {outcome.detail}.{unsure}"
        error: ClientError = ServerUnreachable(message, may_be_done=outcome.sent)
        may_try = request.again or not outcome.sent
    elif outcome.status in _SUCCESS:
        try:
            return read(outcome), None
        except BadAnswer as bad:
            error, may_try = bad, request.again
    else:
        error = reading.refusal(outcome, datetime.now(UTC))
        # Only of 429 is it sure that nothing was done.
        may_try = outcome.status in TRY_AGAIN and (
            request.again or outcome.status == HTTPStatus.TOO_MANY_REQUESTS
        )
    if not may_try:
        raise error
    return None, error


def ask(
    around: Circumstances, request: Request, read: Callable[[Reply], T], patience: Patience
) -> Steps[T]:
    """Ask until there is an answer, or the patience is over. Raises ClientError."""
    while True:
        outcome = yield from exchange(request)
        found, error = judge(request, outcome, read)
        if error is None:
            patience.reset()
            return found  # type: ignore[return-value]  # where there is no error, it is a T
        pause = patience.pause(getattr(error, "retry_after", None))
        if pause is None:
            raise error
        yield around.told(str(error), pause)


def _of_document(read: Callable[[Any], T]) -> Callable[[Reply], T]:
    return lambda reply: reading.value(reply, read)


_status = _of_document(reading.status)


def _nothing(_reply: Reply) -> None:
    """Read an answer that has no body."""


def create(around: Circumstances, links: Iterable[Link], options: CreateOptions) -> Steps[str]:
    """Ask for an archive; a lost answer is asked for again by the same key."""
    key = options.get("idempotency_key") or secrets.token_urlsafe(24)
    request = requests.create(links, options, key)
    return ask(around, request, _of_document(reading.archive_hash), around.patience(around.asking))


def status(around: Circumstances, hash_: str) -> Steps[Status]:
    """Ask how a job is."""
    return ask(around, requests.status(hash_), _status, around.patience(around.asking))


def files(
    around: Circumstances, hash_: str, state: str | None, cursor: str | None, limit: int
) -> Steps[FilePage]:
    """Ask for a page of files."""
    request = requests.files(hash_, state=state, cursor=cursor, limit=limit)
    return ask(around, request, _of_document(reading.file_page), around.patience(around.asking))


def cancel(around: Circumstances, hash_: str) -> Steps[Status]:
    """Cancel a job."""
    return ask(around, requests.cancel(hash_), _status, around.patience(around.asking))


def retry(around: Circumstances, hash_: str, on_error: str | None) -> Steps[Status]:
    """Try a failed job again."""
    request = requests.retry(hash_, on_error)
    return ask(around, request, _status, around.patience(around.asking))


def delete(around: Circumstances, hash_: str) -> Steps[None]:
    """Remove an archive."""
    return ask(around, requests.delete(hash_), _nothing, around.patience(around.asking))


def wait(
    around: Circumstances,
    hash_: str,
    timeout: float | None,
    on_progress: Callable[[InProgress], None] | None,
) -> Steps[Status]:
    """Wait until a job has ended, over restarts of the server. Raises WaitTimeout, ClientError.

    The server holds its answers, so that the end is known at once; where it does not, because it
    stops or too many wait, the pauses grow.
    """
    end = None if timeout is None else around.now() + timeout
    patience = around.patience(around.asking)
    bears = around.asking
    longest = 0.0  # the first answer is wanted at once: it tells that the server is there
    at_once = around.patience(math.inf)
    while True:
        asked_at = around.now()
        left = math.inf if end is None else max(end - asked_at, 0.0)
        hold = min(left, longest)
        patience.bears = min(bears, left)
        found = yield from ask(around, requests.status(hash_, hold=hold), _status, patience)
        if not isinstance(found, InProgress):
            return found
        bears = around.waiting  # it is there: should it go, it will come back
        longest = _LONGEST_HOLD if on_progress is None else _EVERY
        if on_progress is not None:
            on_progress(found)
        now = around.now()
        if end is not None and now >= end:
            raise WaitTimeout(
                f"The job is still in progress after {timeout:g} s; it goes on.", found
            )
        if now - asked_at >= hold * _HELD:
            at_once.reset()
        else:
            pause = at_once.pause() or 0.0
            yield Pause(pause if end is None else min(pause, end - now))
