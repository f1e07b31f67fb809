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
(416). A body is never a splice of two versions. There are three ways to ask for the rest, each used
only once the one before it has failed (docs/decisions/0042-resume.md):

    with If-Range      by a strong entity tag, or a date; the 206 must name the same version
    with an overlap    without a condition; the tag or the date must be the same, and the bytes
                       before the cut are fetched again and compared
    from the start     without Range; all that was kept is dropped
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from packmule.errors import Failure, FailureCode
from packmule.outbound.entity_tags import is_strong
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
    from packmule.outbound.head import Head
    from packmule.outbound.outcomes import Outcome, Verdict

_REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
_OK, _PARTIAL, _NOT_MODIFIED = 200, 206, 304
_CLIENT_ERROR, _NOT_SATISFIABLE = 400, 416
# Every other 2xx carries the file, an unknown one too (RFC 9110 15): 201 and 226 do in the wild.
_NO_FILE = frozenset({202, 204, 205, 207, 208})
_SUCCESS = range(200, 300)
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_MULTIPART = "multipart/byteranges"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one source: tries, redirects in a row, bytes of body and head, seconds.

    `attempts` counts tries without progress. Progress is at least `least_progress` bytes beyond the
    most ever held. `all_attempts` counts every try; `seconds` run from the first try to the end;
    a file of more than 50 GB has them for each 50 GB.
    `host_retries` is how many retries a host may cost beyond those that led to a whole file.

    `longest_retry_after` bounds a wait that an origin asks for, and how long a host may stay busy
    without serving a file. A busy host that names no time is left alone for `first_pause`, doubled
    each time up to `longest_pause`.

    `overlap` is how many bytes before a cut are fetched again where the evidence for a resume is
    weak, `least_overlap` how many must agree.
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
    overlap: int = 64 * 1024
    least_overlap: int = 4096


class TransferState(NamedTuple):
    """What is known of a source between tries (a tuple, because one is made for every file).

    `kept` bytes of the body are held, of the version with this `etag`, `last_modified` date and
    `total` length. `reached` is the most ever held: only going beyond it is progress. `tries`
    counts tries without progress, `attempts` all tries, `redirects` those of this try.
    `distrust_ranges`: resuming has failed, so every try asks for the whole. `part_end` is where the
    part in the last 206 ends: bytes beyond it are not trusted. `codings` are those of the body that
    is held, which Range counts as it comes (RFC 9110 14.1.2); None if an earlier run fetched it.
    `overlaps`: If-Range has failed, so the next resume compares bytes.
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
    codings: tuple[str, ...] | None = None
    overlaps: bool = False

    @property
    def validator(self) -> str | None:
        """The value for If-Range: a strong ETag, else Last-Modified (RFC 9110 13.1.5)."""
        return self.etag if is_strong(self.etag) else self.last_modified


START = TransferState()
"""Nothing is known yet."""

_SOON = TryLater()
_FREE = TryLater(free=True)
_FIRST = TransferState(attempts=1)
_FINISHED = Finished()
_MISFIT = TryFailed(
    FailureCode.CHANGED, "the origin's response to a resume does not match what it sent before"
)
OVERLAP_DIFFERS = TryFailed(
    FailureCode.CHANGED, "the file has changed: bytes fetched again differ from those held"
)


def range_fields(state: TransferState, limits: Limits) -> tuple[bytes, ...]:
    """Return the request fields that ask for the missing part; none to ask for the whole."""
    if not resumable(state, limits):
        return ()
    if _asks_overlap(state):
        return (f"Range: bytes={max(0, state.kept - limits.overlap)}-".encode(),)
    fields = f"Range: bytes={state.kept}-", f"If-Range: {state.validator}"
    return tuple(field.encode("latin-1") for field in fields)


def resumable(state: TransferState, limits: Limits) -> bool:
    """Return whether the next try asks for the missing part only."""
    if not state.kept or state.distrust_ranges:
        return False
    return _may_overlap(state, limits) if _asks_overlap(state) else True


def _asks_overlap(state: TransferState) -> bool:
    return state.overlaps or state.validator is None


def _may_overlap(state: TransferState, limits: Limits) -> bool:
    """Return whether there is enough to compare a resume with."""
    has_word = state.etag is not None or state.last_modified is not None
    return has_word and state.total is not None and state.kept >= limits.least_overlap


def begin(state: TransferState, limits: Limits) -> TransferState:
    """Count a try (a redirect is part of it) and drop bytes that cannot be resumed."""
    if state is START:
        return _FIRST  # made once: copying costs more than all else here
    attempts = state.attempts if state.redirects else state.attempts + 1
    if not resumable(state, limits):
        return state._replace(attempts=attempts, kept=0)
    return state._replace(attempts=attempts)


def judge(
    state: TransferState, head: Head, limits: Limits, *, now: float
) -> tuple[TransferState, Verdict]:
    """Decide what a response head means. `now` is in POSIX seconds, for Retry-After as a date."""
    status = head.status
    if status == _PARTIAL or (status == _OK and _is_slice(head)):
        return _judge_part(state, head, limits)
    if status in _SUCCESS and status not in _NO_FILE:
        return _judge_whole(state, head, limits)
    if is_redirect(head):
        if state.redirects >= limits.redirects:
            detail = f"more than {limits.redirects} redirects in a row"
            return state, _give_up(state, FailureCode.REDIRECTS, detail, status)
        followed = state._replace(redirects=state.redirects + 1)
        return followed, DiscardBody(Follow(head.fields["location"]))
    if status == _NOT_SATISFIABLE and resumable(state, limits):
        return _judge_not_satisfiable(state, head, limits)
    return _judge_refusal(state, head, limits, now)


def is_redirect(head: Head) -> bool:
    """Return whether a head says where to go instead."""
    return head.status in _REDIRECTS and bool(head.fields.get("location"))


def conclude(
    state: TransferState,
    kept: int,
    broken: TryFailed | None,
    limits: Limits,
    *,
    has_ended: bool = False,
) -> tuple[TransferState, Outcome]:
    """Decide what the end of a body means, of which `kept` bytes are held now.

    A body of its announced length is whole, however the connection ended. A body without an
    announced length is whole if it ended properly and the response was for the whole file. A part
    may be shorter than what was requested (RFC 9110 15.3.7), so we keep requesting the rest until a
    416 confirms the end. `has_ended`: the body's own checksum says that it is whole, which we
    believe once a second try from the start has ended there.
    """
    if broken == OVERLAP_DIFFERS or (state.part_end is not None and kept > state.part_end):
        misfit = OVERLAP_DIFFERS if broken == OVERLAP_DIFFERS else _MISFIT
        return _again(state._replace(distrust_ranges=True), misfit, limits)
    if kept == state.total:
        return state, _FINISHED
    if has_ended and state.kept == 0 < kept <= state.reached:
        return state, _FINISHED
    continues = False
    if broken is None:
        is_part = state.kept > 0 or state.part_end is not None
        if state.total is None and not is_part:
            return state, _FINISHED
        of = "a file of unknown length" if state.total is None else state.total
        broken = TryFailed(FailureCode.TRUNCATED, f"the body ended at byte {kept} of {of}")
        # An origin that sends large files in slices is asked for the next one at once.
        continues = kept == state.part_end and state.total is not None
    state = state._replace(kept=kept)
    if broken.lasting:
        return state, Fail(Failure(broken.code, broken.detail, attempts=state.attempts))
    state, outcome = _again(state, broken, limits)
    if continues and isinstance(outcome, Retry) and outcome.fruitful:
        outcome = outcome._replace(delay=0.0)
    return state, outcome


def _is_slice(head: Head) -> bool:
    """Return whether a 200 says that it carries only a part, as some caches' do."""
    part = head.content_range
    if part is None or part.start is None:
        return False
    return part.start > 0 or (part.total is not None and part.end != part.total)


def _judge_whole(state: TransferState, head: Head, limits: Limits) -> tuple[TransferState, Verdict]:
    """Start the body over at a 200; refuse an HTML page in place of a file that was cut."""
    content_type = head.content_type
    if state.reached and content_type in _HTML and state.content_type not in _HTML:
        detail = "the origin sent an HTML page instead of the rest of the file"
        return state, _give_up(state, FailureCode.CHANGED, detail, _OK)
    length, etag = head.content_length, head.etag
    if length is not None and length > limits.max_bytes:
        return state, _too_large(state, limits)
    distrusts = state.distrust_ranges
    if resumable(state, limits):
        if _is_worth_overlap(state, head, limits):
            return _with_overlap(state, limits, _OK)
        # It has ignored a plain Range.
        distrusts = distrusts or _asks_overlap(state)
    fresh = TransferState(
        0,
        length,
        etag,
        head.last_modified,
        content_type,
        state.reached,
        state.tries,
        state.attempts,
        state.redirects,
        distrusts,
        codings=head.content_codings,
        overlaps=state.overlaps,
    )
    return fresh, TakeBody(0, length)


def _is_worth_overlap(state: TransferState, head: Head, limits: Limits) -> bool:
    """Return whether a 200 to a conditional resume seems to be the version that is held.

    Some origins compare If-Range wrongly, or name one file differently on each of their machines.
    """
    return (
        not _asks_overlap(state)
        and _may_overlap(state, limits)
        and head.content_length == state.total
        and _same_version(state, head)
        and head.fields.get("accept-ranges", "").lower() != "none"
    )


def _judge_part(state: TransferState, head: Head, limits: Limits) -> tuple[TransferState, Verdict]:
    """Accept a part only if it goes on where we were cut, in the version we hold."""
    if not resumable(state, limits):
        return _judge_unasked_part(state, head, limits)
    part = _fitting(state, head)
    if part is None:
        return _from_the_start(state, _MISFIT, limits, head.status)
    start, end, total = part
    is_exact = part == _stated(head) or (is_strong(state.etag) and head.etag == state.etag)
    if total is not None and total > limits.max_bytes:
        return state, _too_large(state, limits)
    repeated = state.kept - start
    same = _same_version(state, head)
    if (is_exact and _is_named_surely(state, head)) or (same and repeated >= limits.least_overlap):
        total = state.total if total is None else total
        return state._replace(total=total, part_end=end), TakeBody(state.kept, total, repeated)
    if same and _may_overlap(state, limits) and not _asks_overlap(state):
        return _with_overlap(state, limits, head.status)
    return _from_the_start(state, _MISFIT, limits, head.status)


def _judge_unasked_part(
    state: TransferState, head: Head, limits: Limits
) -> tuple[TransferState, Verdict]:
    """Accept a part that nobody requested if it is the whole, or its beginning (RFC 9110 15.3.7).

    Without a Content-Range it is what a 200 would be, as for browsers.
    """
    part = head.content_range
    if head.content_type != _MULTIPART:
        if "content-range" not in head.fields:
            return _judge_whole(state, head, limits)
        if part is not None and part.start == 0 and part.end is not None and part.total is not None:
            whole = head._replace(content_length=part.total)
            fresh, verdict = _judge_whole(state, whole, limits)
            if isinstance(verdict, TakeBody) and part.end < part.total:
                fresh = fresh._replace(part_end=part.end)
            return fresh, verdict
    detail = "the origin sent a part although the whole file was requested"
    return state, _give_up(state, FailureCode.BAD_RESPONSE, detail, head.status)


_Part = tuple[int, int, int | None]


def _stated(head: Head) -> _Part | None:
    """Return the start, end and total of a part by a Content-Range that is valid, or None."""
    part = head.content_range
    if part is None or part.start is None or part.end is None:
        return None
    fits = part.total is None or part.end <= part.total
    fits = fits and head.content_length in (None, part.end - part.start)
    return (part.start, part.end, part.total) if fits else None


def _fitting(state: TransferState, head: Head) -> _Part | None:
    """Return the start, end and total of a part that can go on where we were cut, or None.

    It may be shorter than what was requested (RFC 9110 15.3.7), and begin earlier: some caches send
    whole blocks. Where Content-Range is misspelt, or contradicts the length of the body, its start
    counts if the body then reaches exactly to the end of the file.
    """
    if head.content_type == _MULTIPART:
        return None
    part = _stated(head)
    if part is None:
        start = head.range_start
        if start is None or state.total is None or head.content_length != state.total - start:
            return None
        part = start, state.total, state.total
    start, end, total = part
    same_total = total is None or state.total is None or total == state.total
    return part if start <= state.kept < end and same_total else None


def _is_named_surely(state: TransferState, head: Head) -> bool:
    """Return whether a part names the version we hold so that no byte need be compared."""
    return (
        not _asks_overlap(state)
        and (state.etag is None or head.etag == state.etag)
        and (
            is_strong(state.etag) or head.fields.get("last-modified") in (state.last_modified, None)
        )
        and head.content_codings == (state.codings or ())
    )


def _same_version(state: TransferState, head: Head) -> bool:
    """Return whether a response seems to be of the version we hold, by its tag or its date."""
    same_tag = state.etag is not None and head.etag == state.etag
    if state.codings is not None and head.content_codings != state.codings:
        return False
    if same_tag and is_strong(state.etag):
        return True
    modified = head.fields.get("last-modified")
    if state.last_modified is not None and modified is not None:
        return modified == state.last_modified
    return same_tag


def _with_overlap(
    state: TransferState, limits: Limits, status: int
) -> tuple[TransferState, Verdict]:
    """Ask once more at once, without a condition, so that the bytes before the cut are compared.

    It costs no try: no fault of the origin is certain yet.
    """
    state = state._replace(overlaps=True)
    state, outcome = _again(state, _MISFIT, limits, status=status, later=_FREE)
    if isinstance(outcome, Retry):
        outcome = outcome._replace(delay=0.0, fruitful=True)
    return state, DiscardBody(outcome)


def _from_the_start(
    state: TransferState, why: TryFailed, limits: Limits, status: int
) -> tuple[TransferState, Verdict]:
    state, outcome = _again(state._replace(distrust_ranges=True), why, limits, status=status)
    return state, DiscardBody(outcome)


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
    return _from_the_start(state, broken, limits, _NOT_SATISFIABLE)


def _judge_refusal(
    state: TransferState, head: Head, limits: Limits, now: float
) -> tuple[TransferState, Verdict]:
    """Wait where the origin says or implies that the file may come later; else give up."""
    status, detail = head.status, f"the origin answered {head.status}"
    later = try_later(head, now)
    if later is None:
        if status in _REDIRECTS:
            detail = f"{detail} without saying where to go"
        elif resumable(state, limits) and (status >= _CLIENT_ERROR or status == _NOT_MODIFIED):
            # An error in answer to Range says nothing about the file: firewalls refuse the field.
            refused = TryFailed(FailureCode.HTTP_STATUS, f"{detail} to a resume")
            return _from_the_start(state, refused, limits, status)
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
