"""The operations of a client: what is requested, which responses are valid, what is retried.

Owns each operation as a generator of steps (`steps.py`), and how long each failure is retried: a
single request fails soon, `wait` and the downloads are patient. The ranges of a download are in
`downloading.py`, all I/O in the drivers.
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
from packmule.client.backoff import Backoff
from packmule.client.errors import ConnectionError, InvalidResponseError, WaitTimeout
from packmule.client.steps import ApiResponse, NetworkFault, Sleep, Step, send_request
from packmule.client.values import InProgress, RetryEvent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from packmule.client.errors import ClientError
    from packmule.client.steps import ApiRequest
    from packmule.client.values import ArchiveBatch, CreateOptions, FileBatch, Link, Status

T = TypeVar("T")
Steps = Generator[Step, Any, T]

REQUEST_TIMEOUT = 10.0
"""Seconds for which a single request is retried."""
RETRY_TIMEOUT = 300.0
"""Seconds for which `wait` and the downloads retry while the server is away."""

_SUCCESS = range(200, 300)
RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
# A server may hold a response for a minute; half of that, so that no proxy times out.
_MAX_HOLD = 30.0
_PROGRESS_INTERVAL = 1.0
# A response that came sooner was not held.
_HELD = 0.8


@dataclass(frozen=True, slots=True)
class CallContext:
    """What operations get from outside: timeouts, the retry callback, the clock, randomness."""

    request_timeout: float = REQUEST_TIMEOUT
    retry_timeout: float = RETRY_TIMEOUT
    on_retry: Callable[[RetryEvent], None] | None = None
    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def backoff(self, limit: float | None = None) -> Backoff:
        """Return a backoff of `limit` seconds, by default that of a single request."""
        limit = self.request_timeout if limit is None else limit
        return Backoff(limit, now=self.now, chance=self.chance)

    def retry_in(self, delay: float, detail: str) -> Sleep:
        """Report a retry, and return the sleep before it."""
        if self.on_retry is not None:
            self.on_retry(RetryEvent(detail, delay))
        return Sleep(delay)


def judge(
    request: ApiRequest,
    outcome: ApiResponse | NetworkFault,
    read: Callable[[ApiResponse], T],
) -> tuple[T | None, ClientError | None]:
    """Return an outcome's value, or the error after which a retry may succeed.

    Raises ClientError if a retry would change nothing, or do harm.
    """
    if isinstance(outcome, NetworkFault):
        done = outcome.sent and not request.idempotent
        unsure = " It may have taken effect; check the job's status." if done else ""
        message = f"Cannot reach the server: {outcome.detail}.{unsure}"
        error: ClientError = ConnectionError(message, may_be_done=outcome.sent)
        may_retry = request.idempotent or not outcome.sent
    elif outcome.status in _SUCCESS:
        try:
            return read(outcome), None
        except InvalidResponseError as invalid:
            error, may_retry = invalid, request.idempotent
    else:
        error = reading.refusal(outcome, datetime.now(UTC))
        # Only 429 guarantees that nothing was done.
        may_retry = outcome.status in RETRYABLE and (
            request.idempotent or outcome.status == HTTPStatus.TOO_MANY_REQUESTS
        )
    if not may_retry:
        raise error
    return None, error


def ask(
    context: CallContext,
    request: ApiRequest,
    read: Callable[[ApiResponse], T],
    backoff: Backoff,
) -> Steps[T]:
    """Send a request until it is answered, or the backoff gives up. Raises ClientError."""
    while True:
        outcome = yield from send_request(request)
        found, error = judge(request, outcome, read)
        if error is None:
            backoff.reset()
            return found  # type: ignore[return-value]  # where there is no error, it is a T
        delay = backoff.next_delay(getattr(error, "retry_after", None))
        if delay is None:
            raise error
        yield context.retry_in(delay, str(error))


def _document(read: Callable[[Any], T]) -> Callable[[ApiResponse], T]:
    return lambda response: reading.value(response, read)


_status = _document(reading.status)


def _nothing(_response: ApiResponse) -> None:
    """Read a response that has no body."""


def create(context: CallContext, links: Iterable[Link], options: CreateOptions) -> Steps[str]:
    """Create a job; if the response is lost, the same idempotency key gets the same job."""
    key = options.get("idempotency_key") or secrets.token_urlsafe(24)
    request = requests.create(links, options, key)
    on_warnings = options.get("on_warnings")

    def read(document: Any) -> str:
        hash_, warnings = reading.archive_hash(document), reading.warnings(document)
        if warnings and on_warnings is not None:
            on_warnings(warnings)
        return hash_

    return ask(context, request, _document(read), context.backoff())


def archives(
    context: CallContext, state: str | None, cursor: str | None, limit: int
) -> Steps[ArchiveBatch]:
    """Get one page of the archives of the API key's client."""
    request = requests.archives(state=state, cursor=cursor, limit=limit)
    return ask(context, request, _document(reading.archive_batch), context.backoff())


def status(context: CallContext, hash_: str) -> Steps[Status]:
    """Get a job's status."""
    return ask(context, requests.status(hash_), _status, context.backoff())


def files(
    context: CallContext, hash_: str, state: str | None, cursor: str | None, limit: int
) -> Steps[FileBatch]:
    """Get one page of a job's files."""
    request = requests.files(hash_, state=state, cursor=cursor, limit=limit)
    return ask(context, request, _document(reading.file_batch), context.backoff())


def cancel(context: CallContext, hash_: str) -> Steps[Status]:
    """Cancel a job."""
    return ask(context, requests.cancel(hash_), _status, context.backoff())


def retry(
    context: CallContext,
    hash_: str,
    on_error: str | None,
    positions: Collection[int] | None = None,
    urls: Mapping[int, str] | None = None,
) -> Steps[Status]:
    """Retry a failed job."""
    request = requests.retry(hash_, on_error, positions, urls)
    return ask(context, request, _status, context.backoff())


def finish(context: CallContext, hash_: str) -> Steps[Status]:
    """Complete a job now with what is packed."""
    return ask(context, requests.finish(hash_), _status, context.backoff())


def delete(context: CallContext, hash_: str) -> Steps[None]:
    """Remove an archive."""
    return ask(context, requests.delete(hash_), _nothing, context.backoff())


def wait(
    context: CallContext,
    hash_: str,
    timeout: float | None,
    on_progress: Callable[[InProgress], None] | None,
) -> Steps[Status]:
    """Wait until a job has ended, across restarts of the server. Raises WaitTimeout, ClientError.

    The server holds its responses (long polling), so that the end is known at once. If it does
    not, because it is stopping or has too many waiting, the delays grow.
    """
    end = None if timeout is None else context.now() + timeout
    backoff = context.backoff()
    limit = context.request_timeout
    longest = 0.0  # the first response is wanted at once: it shows that the server is there
    unheld = context.backoff(math.inf)
    while True:
        asked_at = context.now()
        left = math.inf if end is None else max(end - asked_at, 0.0)
        hold = min(left, longest)
        backoff.limit = min(limit, left)
        found = yield from ask(context, requests.status(hash_, hold=hold), _status, backoff)
        if not isinstance(found, InProgress):
            return found
        limit = context.retry_timeout  # it is there: if it goes away, it will come back
        longest = _MAX_HOLD if on_progress is None else _PROGRESS_INTERVAL
        if on_progress is not None:
            on_progress(found)
        now = context.now()
        if end is not None and now >= end:
            raise WaitTimeout(
                f"The job is still in progress after {timeout:g} s, and goes on.", found
            )
        if now - asked_at >= hold * _HELD:
            unheld.reset()
        else:
            delay = unheld.next_delay() or 0.0
            yield Sleep(delay if end is None else min(delay, end - now))
