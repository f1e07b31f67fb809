"""Conditional requests and ranges: which part of a file a request selects. Pure.

Owns reading If-Match, If-None-Match, If-(Un)Modified-Since, If-Range and Range, and the decision.
Leaves the response to `downloads.py`. Follows RFC 9110, sections 13 and 14: a malformed Range
(14.2) or date (13.1.3) is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# More parts than any client needs, too few to make a small request cost much (RFC 9110 17.15).
MOST_RANGES = 32
# Two ranges nearer than a part's header are cheaper as one (RFC 9110 14.2).
_NEAR = 80

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGES = re.compile(r"bytes=(.*)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Representation:
    """The file: length in bytes, strong entity tag, time of last change in whole seconds."""

    size: int
    etag: str
    modified_at: int


@dataclass(frozen=True, slots=True)
class Whole:
    """200: all of it."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """206: these ranges, in ascending order, without overlap."""

    ranges: tuple[range, ...]


@dataclass(frozen=True, slots=True)
class NotModified:
    """304."""


@dataclass(frozen=True, slots=True)
class PreconditionFailed:
    """412."""


@dataclass(frozen=True, slots=True)
class NotSatisfiable:
    """416: no range lies within the file."""


Selection = Whole | Ranges | NotModified | PreconditionFailed | NotSatisfiable


def select(method: str, headers: Mapping[str, str], of: Representation) -> Selection:
    """Decide what to send, in the order of RFC 9110 13.2.2; header names in lower case."""
    if (tags := headers.get("if-match")) is not None:
        holds = matches(tags, of.etag, weakly=False)
    else:
        since = _date(headers.get("if-unmodified-since"))
        holds = since is None or of.modified_at <= since
    if not holds:
        return PreconditionFailed()
    if (tags := headers.get("if-none-match")) is not None:
        known = matches(tags, of.etag, weakly=True)
    else:
        since = _date(headers.get("if-modified-since"))
        known = since is not None and of.modified_at <= since
    if known:
        return NotModified()
    asked = headers.get("range")
    # 14.2: a Range with another method than GET is ignored.
    if asked is None or method != "GET" or not _still_same(headers.get("if-range"), of):
        return Whole()
    return _parts(asked, of.size)


def matches(field: str, etag: str, *, weakly: bool) -> bool:
    """Look an entity tag up in If-Match or If-None-Match (13.1.1, 13.1.2, 8.8.3.2)."""
    if field.strip() == "*":
        return True
    return any(found[2] == etag and (weakly or found[1] is None) for found in _TAG.finditer(field))


def _still_same(if_range: str | None, of: Representation) -> bool:
    """Compare If-Range (13.1.5): an entity tag strongly, a date for being the very same."""
    if if_range is None:
        return True
    if '"' in if_range:
        return if_range.strip() == of.etag
    return _date(if_range) == of.modified_at


def _date(text: str | None) -> int | None:
    """Read an HTTP-date (5.6.7) in seconds since the epoch."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())


def http_date(seconds: int) -> str:
    """Write an HTTP-date (5.6.7)."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def _parts(field: str, size: int) -> Selection:
    """Read Range (14.1.1, 14.2)."""
    found = _RANGES.fullmatch(field.strip())
    if found is None:
        return Whole()
    specs = [spec.strip(" \t") for spec in found[1].split(",")]
    specs = [spec for spec in specs if spec]  # empty list members are allowed, 5.6.1.2
    if not 0 < len(specs) <= MOST_RANGES:
        return Whole()
    ranges: list[range] = []
    for spec in specs:
        one = _range(spec, size)
        if one is None:
            return Whole()
        if one:
            ranges.append(one)
    return Ranges(_joined(ranges)) if ranges else NotSatisfiable()


def _range(spec: str, size: int) -> range | None:
    """Read one range; empty where it lies past the end, None where it is none."""
    found = _RANGE.fullmatch(spec)
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return range(max(size - int(suffix), 0), size)
    if last is not None and int(last) < int(first):
        return None
    end = size if last is None else min(int(last) + 1, size)
    return range(int(first), max(end, int(first)))


def _joined(ranges: list[range]) -> tuple[range, ...]:
    joined: list[range] = []
    for each in sorted(ranges, key=lambda one: one.start):
        if joined and each.start <= joined[-1].stop + _NEAR:
            joined[-1] = range(joined[-1].start, max(joined[-1].stop, each.stop))
        else:
            joined.append(each)
    return tuple(joined)
