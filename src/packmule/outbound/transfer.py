r"""The state of one source over all its tries, and what to do next: a pure state machine.

Owns the decisions: which Range to request, whether to trust a response, what the end of a
connection means, when to retry and when to give up. Leaves what an error status asks for to
`retry_hints.py`, sockets to `transfer_loop.py`, waiting and per-host limits to
`fetch_scheduler.py`, and bytes to the receiver. No clock, no randomness, no I/O.

    begin ──head──> judge ──> TakeBody ──end──> conclude ──> Finished
      ^               |  \                         |   \
      |               |   DiscardBody ──end────────┤    Fail
      └─── Retry <────┴──── Follow <───────────────┘

Follows RFC 9110 13.1.5 (If-Range), 14.2 (Range), 14.4 (Content-Range), 15.3.7 (206) and 15.5.17
(416). A body is never a splice of two versions: bytes are kept only while the validator stays the
same, and a source without a validator starts over. Where an origin sends a weak entity tag together
with Last-Modified, we resume by the date, as browsers do, and the tag must not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from packmule.errors import Failure, FailureCode
from packmule.outbound.outcomes import (
    DiscardBody,
    Fail,
    Finished,
    Follow,
    Retry,
    TakeBody,
    TryFailed,
)
from packmule.outbound.retry_hints import TryLater, asks_for_a_browser, try_later

if TYPE_CHECKING:
    from packmule.outbound.head import ContentRange, Head
    from packmule.outbound.outcomes import Outcome, Verdict

_REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
# Every other 2xx carries the file, an unknown one too (RFC 9110 15): 201 and 226 do in the wild.
_NO_FILE = frozenset({202, 204, 205, 207, 208})
_SUCCESS = range(200, 300)
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_MULTIPART = "multipart/byteranges"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one source: tries, redirects in a row, bytes of body and head, seconds.

    `attempts` counts tries without progress. Progress is at least `least_progress` bytes beyond the
    most ever held. `all_attempts` counts every try; `seconds` run from the first try to the end.
    `host_retries` is how many retries a host may cost beyond those that led to a whole file.

    `longest_retry_after` bounds a wait that an origin asks for, and how long a host may stay busy
    without serving a file. A busy host that names no time is left alone for `first_pause`, doubled
    each time up to `longest_pause`.
    """

    attempts: int = 8
    all_attempts: int = 1000
    least_progress: int = 4096
    redirects: int = 20
    max_bytes: int = 50_000_000_000
    max_head_bytes: int = 64 * 1024
    max_url_length: int = 8192
    seconds: float = 86_400.0
    host_retries: int = 100
    first_delay: float = 0.5
    longest_delay: float = 60.0
    longest_retry_after: float = 3600.0
    first_pause: float = 60.0
    longest_pause: float = 900.0


class TransferState(NamedTuple):
    """What is known of a source between tries (a tuple, because one is made for every file).

    `kept` bytes of the body are held, of the version with this validator (`etag` or
    `last_modified`) and `total` length. `reached` is the most ever held: only going beyond it is
    progress. `tries` counts tries without progress, `attempts` all tries, `redirects` those of this
    try. `part_end` is where the part in the last 206 ends: bytes beyond it are not trusted.
    """

    kept: int = 0
    total: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = None
    reached: int = 0
    tries: int = 0
    attempts: int = 0
    redirects: int = 0
    distrust_ranges: bool = False
    part_end: int | None = None

    @property
    def validator(self) -> str | None:
        """The value for If-Range: a strong ETag, else Last-Modified (RFC 9110 13.1.5)."""
        etag = self.etag
        return etag if etag is not None and etag[0] == '"' else self.last_modified


START = TransferState()
"""Nothing is known yet."""

_SOON = TryLater()
_FIRST = TransferState(attempts=1)
_FINISHED = Finished()
_MISFIT = TryFailed(
    FailureCode.CHANGED, "the origin's response to a resume does not match what it sent before"
)


def range_fields(state: TransferState) -> tuple[bytes, ...]:
    """Return the request fields that ask for the missing part; none to ask for the whole."""
    if not resumable(state):
        return ()
    fields = f"Range: bytes={state.kept}-", f"If-Range: {state.validator}"
    return tuple(field.encode("latin-1") for field in fields)


def resumable(state: TransferState) -> bool:
    """Return whether the next try asks for the missing part only."""
    return state.kept > 0 and state.validator is not None and not state.distrust_ranges


def begin(state: TransferState) -> TransferState:
    """Count a try (a redirect is part of it) and drop bytes that cannot be resumed."""
    if state is START:
        return _FIRST  # made once: copying costs more than all else here
    attempts = state.attempts if state.redirects else state.attempts + 1
    if not resumable(state):
        return state._replace(attempts=attempts, kept=0)
    return state._replace(attempts=attempts)


def judge(
    state: TransferState, head: Head, limits: Limits, *, now: float
) -> tuple[TransferState, Verdict]:
    """Decide what a response head means. `now` is in POSIX seconds, for Retry-After as a date."""
    status = head.status
    if status == _PARTIAL:
        return _judge_part(state, head, limits)
    if status in _SUCCESS and status not in _NO_FILE:
        return _judge_whole(state, head, limits)
    if status in _REDIRECTS and head.fields.get("location"):
        if state.redirects >= limits.redirects:
            detail = f"more than {limits.redirects} redirects in a row"
            return state, _give_up(state, FailureCode.REDIRECTS, detail, status)
        followed = state._replace(redirects=state.redirects + 1)
        return followed, DiscardBody(Follow(head.fields["location"]))
    if status == _NOT_SATISFIABLE and resumable(state):
        return _judge_not_satisfiable(state, head, limits)
    return _judge_refusal(state, head, limits, now)


def conclude(
    state: TransferState, kept: int, broken: TryFailed | None, limits: Limits
) -> tuple[TransferState, Outcome]:
    """Decide what the end of a body means, of which `kept` bytes are held now.

    A body of its announced length is whole, however the connection ended. A body without an
    announced length is whole if it ended properly and the response was for the whole file. A part
    may be shorter than what was requested (RFC 9110 15.3.7), so we keep requesting the rest until a
    416 confirms the end.
    """
    if state.part_end is not None and kept > state.part_end:
        return _again(state._replace(distrust_ranges=True), _MISFIT, limits)
    if broken is None:
        is_part = state.kept > 0
        if kept == state.total or (state.total is None and not is_part):
            return state, _FINISHED
        of = "a file of unknown length" if state.total is None else state.total
        broken = TryFailed(FailureCode.TRUNCATED, f"the body ended at byte {kept} of {of}")
    elif kept == state.total:
        return state, _FINISHED
    state = state._replace(kept=kept)
    if broken.lasting:
        return state, Fail(Failure(broken.code, broken.detail, attempts=state.attempts))
    return _again(state, broken, limits)


def _judge_whole(state: TransferState, head: Head, limits: Limits) -> tuple[TransferState, Verdict]:
    """Start the body over at a 200; refuse an HTML page in place of a file that was cut."""
    content_type = head.content_type
    if state.reached and content_type in _HTML and state.content_type not in _HTML:
        detail = "the origin sent an HTML page instead of the rest of the file"
        return state, _give_up(state, FailureCode.CHANGED, detail, _OK)
    length, etag = head.content_length, head.etag
    if length is not None and length > limits.max_bytes:
        return state, _too_large(state, limits)
    last_modified = None if etag is not None and etag[0] == '"' else head.last_modified
    if head.content_encoding is not None:
        # What is kept will be the decoded bytes: neither their number nor a place to resume from is
        # known.
        length = etag = last_modified = None
    fresh = TransferState(
        0,
        length,
        etag,
        last_modified,
        content_type,
        state.reached,
        state.tries,
        state.attempts,
        state.redirects,
        state.distrust_ranges,
    )
    return fresh, TakeBody(0, length)


def _judge_part(state: TransferState, head: Head, limits: Limits) -> tuple[TransferState, Verdict]:
    """Accept a 206 only if it begins where we asked, in the version we hold."""
    part = head.content_range
    if not resumable(state):
        # A part that nobody requested is accepted only if it is the whole (RFC 9110 15.3.7).
        if part is not None and part.start == 0 and part.end == part.total:
            return _judge_whole(state, head._replace(content_length=part.total), limits)
        detail = "the origin sent a part (206) although the whole file was requested"
        return state, _give_up(state, FailureCode.BAD_RESPONSE, detail, _PARTIAL)
    if part is None or not _continues(state, head, part):
        distrusting = state._replace(distrust_ranges=True)
        distrusting, outcome = _again(distrusting, _MISFIT, limits, status=_PARTIAL)
        return distrusting, DiscardBody(outcome)
    total = state.total if part.total is None else part.total
    return state._replace(total=total, part_end=part.end), TakeBody(state.kept, total)


def _continues(state: TransferState, head: Head, part: ContentRange) -> bool:
    """Return whether a part begins where we were cut, in the version we hold.

    It may be shorter than what was requested (RFC 9110 15.3.7); the rest is requested then.
    """
    end, total = part.end, part.total
    return (
        part.start == state.kept
        and end is not None
        and end > state.kept
        and (total is None or end <= total)
        and (total is None or state.total is None or total == state.total)
        and head.content_length in (None, end - state.kept)
        and (state.etag is None or head.etag == state.etag)
        and (
            state.last_modified is None
            or head.fields.get("last-modified") in (state.last_modified, None)
        )
        and head.content_encoding is None
        and head.content_type != _MULTIPART
    )


def _judge_not_satisfiable(
    state: TransferState, head: Head, limits: Limits
) -> tuple[TransferState, Verdict]:
    """Accept a 416 whose total is what we hold as proof that we hold all (RFC 9110 15.5.17).

    Only for the same version: an origin may evaluate Range before If-Range.
    """
    part = head.content_range
    same = state.total in (None, state.kept) and head.etag is not None and head.etag == state.etag
    if part is not None and part.total == state.kept and same:
        return state, DiscardBody(_FINISHED)
    broken = TryFailed(
        FailureCode.CHANGED, "the origin refused to resume where the transfer was cut (416)"
    )
    state, outcome = _again(
        state._replace(distrust_ranges=True), broken, limits, status=_NOT_SATISFIABLE
    )
    return state, DiscardBody(outcome)


def _judge_refusal(
    state: TransferState, head: Head, limits: Limits, now: float
) -> tuple[TransferState, Verdict]:
    """Wait where the origin says or implies that the file may come later; else give up."""
    status, detail = head.status, f"the origin answered {head.status}"
    later = try_later(head, now)
    if later is None:
        if status in _REDIRECTS:
            detail = f"{detail} without saying where to go"
        elif asks_for_a_browser(head):
            detail = f"{detail} with a check that only browsers pass: open the link in a browser"
        return state, _give_up(state, FailureCode.HTTP_STATUS, detail, status)
    wait = later.wait
    if wait is not None and wait > limits.longest_retry_after:
        detail = (
            f"{detail} and asks to come back in {wait:,.0f} s, "
            f"longer than the limit of {limits.longest_retry_after:,.0f} s: retry then"
        )
        failure = Failure(FailureCode.HTTP_STATUS, detail, status, state.attempts)
        return state, DiscardBody(Fail(failure, busy=later.busy))
    broken = TryFailed(FailureCode.HTTP_STATUS, detail)
    state, outcome = _again(state, broken, limits, status=status, later=later)
    return state, DiscardBody(outcome)


def _again(
    state: TransferState,
    broken: TryFailed,
    limits: Limits,
    *,
    status: int | None = None,
    later: TryLater = _SOON,
) -> tuple[TransferState, Retry | Fail]:
    """Count a try without progress, or reset the count if there was progress.

    Bytes that dripped in until the transfer stalled are no progress. A wait that the origin asked
    for may cost no try.
    """
    dripped = broken.code is FailureCode.STALLED
    fruitful = not dripped and state.kept - state.reached >= limits.least_progress
    tries = 1 if fruitful else state.tries + (not later.free)
    reached = max(state.kept, state.reached)
    state = state._replace(tries=tries, reached=reached, redirects=0)
    failure = Failure(broken.code, broken.detail, status, state.attempts)
    most = min(limits.attempts, broken.enough or limits.attempts)
    if tries >= most or state.attempts >= limits.all_attempts:
        return state, Fail(failure, enough=broken.enough)
    if later.wait is not None:
        # Never at once: an origin that says 0 each time would be asked without end.
        wait = max(later.wait, limits.first_delay)
        return state, Retry(wait, failure, named_by_origin=True, busy=later.busy)
    delay = min(limits.longest_delay, limits.first_delay * 2 ** max(0, tries - 1))
    return state, Retry(delay, failure, fruitful=fruitful, busy=later.busy, enough=broken.enough)


def _too_large(state: TransferState, limits: Limits) -> DiscardBody:
    detail = f"the file is larger than the limit of {limits.max_bytes:,} bytes"
    return _give_up(state, FailureCode.TOO_LARGE, detail, _OK)


def _give_up(
    state: TransferState, code: FailureCode, detail: str, status: int | None
) -> DiscardBody:
    return DiscardBody(Fail(Failure(code, detail, status, state.attempts)))
