"""Read from a response whether, and when, its host wants to be asked again.

Owns the meaning of error statuses and of the fields that name a time. Leaves counting tries to
`transfer.py` and pausing a host to `host_health.py`. Pure.

Follows RFC 9110 10.2.3 (Retry-After, with any status) and 15 (an unknown status is treated as the
x00 of its class), RFC 6585 4 (429), and the habits of public APIs: `RateLimit-Reset`, the newer
`RateLimit` (draft-ietf-httpapi-ratelimit-headers), `X-RateLimit-Reset` in seconds or as a POSIX
time, and statuses that others made up for 429.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from packmule.outbound.head import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packmule.outbound.head import Head

_TOO_MANY = frozenset({420, 429, 430})
"""Too Many Requests, and what Twitter (420) and Shopify (430) answer for it."""

_MAY_PASS = frozenset({408, 421, 425})
_LASTING_5XX = frozenset({501, 505, 506, 508, 510, 511})
_ACCEPTED, _FORBIDDEN, _UNAVAILABLE = 202, 403, 503
_SERVER_ERRORS = range(500, 600)

_RESETS = ("ratelimit-reset", "x-ratelimit-reset-after", "x-ratelimit-reset", "x-rate-limit-reset")
_REMAINING = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
_NUMBER = re.compile(r"([0-9]{1,15})(?:\.[0-9]{1,9})?")
_RESET_PARAMETER = re.compile(r"[;,]\s*(?:t|reset)\s*=\s*([0-9]{1,15})")
_REMAINING_PARAMETER = re.compile(r"[;,]\s*(?:r|remaining)\s*=\s*([0-9]{1,15})")
_EARLIEST_TIME = 1_000_000_000  # a larger number is no delay but a POSIX time, in seconds
_EARLIEST_MILLISECONDS = 100_000_000_000
_ROUNDED = 1.0  # a time in whole seconds may be that much too early


class TryLater(NamedTuple):
    """The file may come later: in `wait` seconds, where the origin names a time.

    `busy`: the host asks all its clients' files to pause. `free`: the wait costs no try.
    """

    wait: float | None = None
    busy: bool = False
    free: bool = False


def try_later(head: Head, now: float) -> TryLater | None:
    """Return whether a response other than a file or redirect may become one; None if not.

    `now` is in POSIX seconds.
    """
    status, fields = head.status, head.fields
    if asks_for_a_browser(head):
        return None
    wait = retry_after(fields.get("retry-after"), head.sent_at or now)
    if status in _TOO_MANY or (status == _FORBIDDEN and wait is None and _has_nothing_left(fields)):
        wait = _reset(head, now) if wait is None else wait
        return TryLater(wait, busy=True, free=True)
    if status == _UNAVAILABLE:
        wait = _reset(head, now) if wait is None else wait
        return TryLater(wait, busy=wait is not None, free=wait is not None)
    if wait is not None and (status == _ACCEPTED or status >= 400):  # noqa: PLR2004 - errors
        return TryLater(wait, free=status == _ACCEPTED)
    if status in _MAY_PASS or (status in _SERVER_ERRORS and status not in _LASTING_5XX):
        return TryLater()
    return None


def asks_for_a_browser(head: Head) -> bool:
    """Return whether a response is a challenge page, which only a browser can pass."""
    return head.fields.get("cf-mitigated", "").lower() == "challenge"


def retry_after(value: str | None, now: float) -> float | None:
    """Parse Retry-After, seconds or a date (RFC 9110 10.2.3), to seconds from `now`.

    `now` is best the response's own Date: the origin's clock may differ from ours.
    """
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    date = http_date(value)
    return None if date is None else max(0.0, date - now)


def _has_nothing_left(fields: Mapping[str, str]) -> bool:
    """Return whether a 403 is a rate limit (GitHub): nothing is left, and a time is named."""
    left = [fields[name] for name in _REMAINING if name in fields]
    left += _REMAINING_PARAMETER.findall(fields.get("ratelimit", ""))
    return "0" in left and ("ratelimit" in fields or any(name in fields for name in _RESETS))


def _reset(head: Head, now: float) -> float | None:
    """Return in how many seconds a rate limit's window ends; None where nothing says so."""
    found = _RESET_PARAMETER.search(head.fields.get("ratelimit", ""))
    values = [found[1]] if found is not None else []
    values += [head.fields[name] for name in _RESETS if name in head.fields]
    for value in values:
        wait = _seconds_until(value, head.sent_at, now)
        if wait is not None:
            return wait
    return None


def _seconds_until(value: str, sent_at: float | None, now: float) -> float | None:
    """Parse a delay, a POSIX time in seconds or milliseconds, or a date.

    Of a time, both the origin's clock and ours are asked, since a Date may be a cache's, and our
    clock wrong: the one that is closer to the time counts. A time that is just over is no wait.
    """
    number = _NUMBER.fullmatch(value.strip())
    moment = float(value) if number is not None else http_date(value)
    if moment is None:
        return None
    if number is not None and moment < _EARLIEST_TIME:
        return moment
    if moment >= _EARLIEST_MILLISECONDS:
        moment /= 1000
    waits = [moment - clock for clock in (sent_at, now) if clock is not None]
    return max(0.0, min(waits, key=abs)) + _ROUNDED
