"""Decide how several transfers share one file: where to cut it, and what answer a segment may have.

Owns the arithmetic of cutting, when it pays, and the judgement of a segment's response head. Leaves
which transfer brings which segment to `segmented_fetch.py`, and a file's own tries to
`transfer.py`. Pure: the caller passes in the clock.

A segment is asked for by its exact range with If-Range (RFC 9110 13.1.5, 14.2). Its 206 must begin
where it was asked to, be of the same version, and name the same total: several transfers share no
connection, and perhaps not even a machine at the origin's, so nothing less can be believed.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from packmule.outbound.entity_tags import is_strong
from packmule.outbound.retry_hints import try_later

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packmule.outbound.head import Head
    from packmule.outbound.transfer import TransferState

LEAST = 4 * 1024 * 1024
"""The least that a further transfer gets when a file is first cut, in bytes. With less, most of it
would come during the slow start of its connection; aws-c-s3 and S3's own advice use 8 to 16 MiB,
aria2 at least 10 MB, but for hosts with less latency than they reckon with."""

LEAST_LARGE = 2 * LEAST
"""The least that a file has, or has left, where it is divided."""

LEAST_SLOW = 2 * 1024 * 1024
"""The same where it comes slowly, as on a connection that has lost a packet."""

MOST = 16
"""The most transfers that bring one file; as many as aria2 allows itself."""

_LEAST_TAKEN = 512 * 1024
"""The least that a transfer takes over from one that is slow, in bytes."""

_FAR = 0.01
"""Seconds until a head from which on a host is so far away that one connection hardly fills the
link. Nearer ones are watched first: on a fast link a second connection brings nothing."""

_WORTH = 0.5
"""Seconds for which a transfer must still take, so that another takes over half of it."""

_FAST = 200_000_000
"""Bytes per second of one connection from which on nothing is gained by another: twice what S3
gives to each, and more than a Gigabit Ethernet carries."""

_WATCHED = 0.25
"""Seconds after which the rate of a transfer is believed."""

_SET_UP = 4
"""Round trips that a new connection takes to be as fast as the others."""

_PARTIAL = 206
_SUCCESS = range(200, 300)
_OF_RANGES = frozenset({304, 412, 416})


class Remainder(NamedTuple):
    """What is missing of a segment: from `at` to `stop`, at `rate` bytes per second.

    The rate is None where it is not known yet, or where it is not for the host to raise it.
    """

    at: int
    stop: int
    rate: float | None

    @property
    def missing(self) -> int:
        """Return how many bytes are missing."""
        return self.stop - self.at


def rate_of(came: int, passed: float) -> float | None:
    """Return the bytes per second of a transfer; None before it was watched for a moment."""
    return came / passed if passed >= _WATCHED else None


def pays_to_split(remainder: Remainder, waited: float) -> bool:
    """Return whether a file that one transfer brings should be brought by several.

    `waited` is how many seconds the host takes to begin a response.
    """
    is_large = remainder.missing >= LEAST_LARGE
    if is_large and waited >= _FAR and (remainder.rate or 0.0) < _FAST:
        return True
    return remainder.missing >= LEAST_SLOW and _lasts(remainder, _WORTH + _SET_UP * waited)


def cuts(remainder: Remainder, more: int) -> tuple[int, ...]:
    """Return where to cut a remainder so that up to so many more transfers get equal segments."""
    count = max(1, min(more + 1, MOST, remainder.missing // LEAST))
    return tuple(remainder.at + remainder.missing * n // count for n in range(1, count))


def take_over(remainders: Iterable[Remainder], waited: float) -> int | None:
    """Return where to cut the largest remainder, so that another transfer takes the second half.

    None where that would gain nothing.
    """
    worth = [each for each in remainders if _is_worth(each, waited)]
    if not worth:
        return None
    largest = max(worth, key=_missing)
    return largest.stop - largest.missing // 2


def _is_worth(remainder: Remainder, waited: float) -> bool:
    return remainder.missing >= 2 * _LEAST_TAKEN and _lasts(remainder, _WORTH + _SET_UP * waited)


def _lasts(remainder: Remainder, seconds: float) -> bool:
    """Return whether a remainder is known to take so long, and not because it comes so fast."""
    rate = remainder.rate
    return rate is not None and rate < _FAST and remainder.missing >= seconds * rate


def _missing(remainder: Remainder) -> int:
    return remainder.missing


def may_split(state: TransferState, head: Head) -> bool:
    """Return whether segments of the body behind a head can be asked for, and told to be of it.

    That takes a known length, a validator that tells versions apart, and an origin that says that
    it serves ranges.
    """
    return (
        state.total is not None
        and state.validator is not None
        and not head.content_codings
        and not state.distrust_ranges
        and not state.overlaps
        and state.part_end in (None, state.total)
        and (head.status == _PARTIAL or head.fields.get("accept-ranges", "").lower() == "bytes")
    )


def segment_fields(state: TransferState, at: int, stop: int) -> tuple[bytes, ...]:
    """Return the request fields that ask for the bytes from `at` to `stop` of that version."""
    fields = f"Range: bytes={at}-{stop - 1}", f"If-Range: {state.validator}"
    return tuple(field.encode("latin-1") for field in fields)


class Refusal(Enum):
    """Why the answer to a segment's request is not that segment."""

    MISFIT = "misfit"
    """The whole file, another version, or nothing that belongs there: do not ask in this way."""
    CROWDED = "crowded"
    """The host turns this request away, but may serve it later, or one at a time."""
    REFUSED = "refused"
    """The host does not let this URL be asked for again, or not like this."""


class SegmentRefused(Exception):
    """The response is not the segment that was asked for; `wait` is in seconds, if it names one."""

    def __init__(self, refusal: Refusal, status: int, wait: float | None = None) -> None:
        super().__init__(f"the origin's answer to a request for a segment is not that ({status})")
        self.refusal = refusal
        self.status = status
        self.wait = wait


def judge_segment(
    state: TransferState, at: int, stop: int, head: Head, *, now: float
) -> SegmentRefused | None:
    """Return None where a head brings bytes of the segment asked for, from its first one on.

    `now` is in POSIX seconds, for Retry-After as a date.
    """
    status = head.status
    if status == _PARTIAL:
        return None if _fits(state, at, stop, head) else SegmentRefused(Refusal.MISFIT, status)
    later = try_later(head, now)
    if later is not None:
        return SegmentRefused(Refusal.CROWDED, status, later.wait)
    is_misfit = status in _SUCCESS or status in _OF_RANGES
    return SegmentRefused(Refusal.MISFIT if is_misfit else Refusal.REFUSED, status)


def _fits(state: TransferState, at: int, stop: int, head: Head) -> bool:
    part = head.content_range
    return (
        part is not None
        and part.start == at
        and part.end is not None
        and at < part.end <= stop
        and part.total == state.total
        and head.content_length in (None, part.end - at)
        and not head.content_codings
        and _is_same_version(state, head)
    )


def _is_same_version(state: TransferState, head: Head) -> bool:
    """Return whether a part is of the version that is held, by all that tells it."""
    if is_strong(state.etag):
        return head.etag == state.etag
    modified = head.fields.get("last-modified")
    return modified == state.last_modified and head.etag in (None, state.etag)
