"""Recognize pre-signed links that have expired, or will soon.

Owns the signs of it: what object stores respond (S3 and compatible ones, Google, Azure), and the
expiry time inside a signed link. Leaves the response's status to `transfer.py`. Pure.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from packmule.errors import FailureCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packmule.errors import Failure
    from packmule.outbound.urls import Url

_REFUSALS = frozenset({400, 401, 403, 410})
_SAYS_SO = re.compile(
    rb"(?:request|token|signature|link|url) (?:has |is )?expired"
    rb"|<Code>Expired(?:Token|Request)|<Code>RequestExpired"
    rb"|signature not valid in the specified time frame",
    re.IGNORECASE,
)
# In the link itself: when it was signed and for how many seconds, or until when (epoch or date).
_SIGNED_FOR = (("x-amz-date", "x-amz-expires"), ("x-goog-date", "x-goog-expires"))
_SIGNED_UNTIL = ("expires", "se")
# A million links are looked at, of which nearly none says when it expires.
_MAY_SAY = re.compile(r"expires=|[?&]se=", re.IGNORECASE)
SOON = 3600.0
"""Seconds within which a link expires soon."""
_DAY = 86_400.0
_COMPACT = "%Y%m%dT%H%M%SZ"
EXPIRED_DETAIL = "the pre-signed link has expired: request a new one from its source"
"""How the detail of a failure begins that an expired link has caused."""


def explained(failure: Failure, asked: Url, page: bytes, now: float) -> Failure:
    """Return the failure, with a detail that says so where the link has expired.

    `page` is the beginning of the response body, `now` is in POSIX seconds.
    """
    if failure.code is not FailureCode.HTTP_STATUS or failure.http_status not in _REFUSALS:
        return failure
    if _SAYS_SO.search(page) or has_expired(asked.target, now):
        return replace(
            failure, detail=f"{EXPIRED_DETAIL} (the origin answered {failure.http_status})"
        )
    return failure


def has_expired(target: str, now: float) -> bool:
    """Return whether a link carries an expiry time that has passed."""
    until = expiry_of(target)
    return until is not None and until <= now


def expires_soon(target: str, now: float) -> bool:
    """Return whether a link carries an expiry time within the next hour, or in the past."""
    until = expiry_of(target)
    return until is not None and until <= now + SOON


def expiring_first(links: Sequence[str], now: float) -> Iterator[int]:
    """Yield all positions: of the links that expire within a day by that time, then the others."""
    found = [(until, at) for at, link in enumerate(links) if (until := expiry_of(link)) is not None]
    urgent = [at for until, at in sorted(found) if now < until <= now + _DAY]
    yield from urgent
    known = frozenset(urgent)
    yield from (at for at in range(len(links)) if at not in known)


def expiry_of(target: str) -> float | None:
    """Return when a link expires, in POSIX seconds, if it says so."""
    if _MAY_SAY.search(target) is None:
        return None
    fields = {name.lower(): value for name, value in parse_qsl(target.partition("?")[2])}
    for begins, lasts in _SIGNED_FOR:
        begin, seconds = _date(fields.get(begins, "")), fields.get(lasts, "")
        if begin is not None and _is_number(seconds):
            return begin + int(seconds)
    for name in _SIGNED_UNTIL:
        value = fields.get(name, "")
        until = int(value) if _is_number(value) else _date(value)
        if until is not None:
            return until
    return None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,12}", text) is not None


def _date(text: str) -> float | None:
    """Parse a date as S3 and Google write it, or as Azure does (ISO 8601)."""
    try:
        return datetime.strptime(text, _COMPACT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        pass
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
