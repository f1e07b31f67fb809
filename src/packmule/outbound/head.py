"""Parse the head of a response: its status and the header fields that matter here.

Owns the parsing of raw header lines (RFC 9112 4, 5; RFC 9110 8, 14). Leaves what they mean for a
transfer to `transfer.py`. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CONTENT_RANGE = re.compile(r"bytes\s+(?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.IGNORECASE)
# How it is misspelt: no unit, `=` or `:` behind it, no end, no total.
_RANGE_START = re.compile(r"(?:bytes)?\s*[:=]?\s*(\d{1,18})\s*-", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{1,18}")
_STATUS = re.compile(r"HTTP/[0-9.]+ ([0-9]{3})(?![0-9])", re.IGNORECASE)
_FINAL = 200
_USUAL_BLANK = b"\r\n"
_BLANK = frozenset({_USUAL_BLANK, b"\n"})
_LENGTH, _CODING = "content-length", "content-encoding"
# Fields whose lines together are one list (RFC 9110 5.3).
_LISTS = frozenset({_LENGTH, _CODING, "repr-digest", "x-goog-hash"})
# Both are kept with each checkpoint. A type and a subtype have 127 characters each at most
# (RFC 6838 4.2), and parameters follow; a tag is sent back in a request's header.
_LONGEST_ETAG, _LONGEST_CONTENT_TYPE = 1024, 1024
_MOST_CODINGS = 4  # claimed of one body; it takes work to see whether they are there
# No coding at all.
_IDENTITY = frozenset({"", "identity"})


class HeadInvalid(ValueError):
    """The head is not valid: its lengths contradict each other."""


class HeadIncomplete(HeadInvalid):
    """The head is not complete: the connection ended first, or it is an interim response's."""


@dataclass(frozen=True, slots=True)
class ContentRange:
    """What a 206 or 416 says about its part: half-open bytes, and the total length if known."""

    start: int | None
    end: int | None
    total: int | None


class Head(NamedTuple):
    """A final response's status and fields; names are lower case, the last of equal names counts.

    Only lines of Content-Encoding, Content-Length and of lists of checksums are joined to one list.

    `content_length` is how many bytes of body follow, None where only its end tells (RFC 9112 6.3).
    """

    status: int
    fields: dict[str, str]
    content_length: int | None

    @property
    def etag(self) -> str | None:
        """The entity tag as sent: strong, weak or malformed (`entity_tags`); None if too long."""
        tag = self.fields.get("etag")
        if not tag or len(tag) > _LONGEST_ETAG or not tag.isprintable():
            return None
        return tag

    @property
    def last_modified(self) -> str | None:
        """Last-Modified as sent, if it tells versions apart (RFC 9110 8.8.2.2).

        It does if the response's Date is later: one second may hold two versions.
        """
        value = self.fields.get("last-modified")
        if value is None or not value.isprintable():
            return None
        modified, sent = http_date(value), http_date(self.fields.get("date"))
        return value if modified is not None and sent is not None and sent > modified else None

    @property
    def modified_at(self) -> int | None:
        """Last-Modified in POSIX seconds; None if it is missing or not a date."""
        return http_date(self.fields.get("last-modified"))

    @property
    def sent_at(self) -> int | None:
        """Date in POSIX seconds, by the origin's clock (RFC 9110 6.6.1)."""
        return http_date(self.fields.get("date"))

    @property
    def content_type(self) -> str | None:
        """The media type without its parameters, in lower case (RFC 9110 8.3); None if too long."""
        value = self.fields.get("content-type")
        if value is None or len(value) > _LONGEST_CONTENT_TYPE:
            return None
        return _media_type(value)

    @property
    def content_codings(self) -> tuple[str, ...]:
        """The codings that the body claims to have, in the order they were applied (RFC 9110 8.4).

        In lower case, and without `identity`; the last few only.
        """
        value = self.fields.get(_CODING)
        return () if value is None else _codings(value)

    @property
    def content_range(self) -> ContentRange | None:
        """The part that this response carries (RFC 9110 14.4); None if missing or malformed."""
        found = _CONTENT_RANGE.fullmatch(self.fields.get("content-range", "").strip())
        if found is None:
            return None
        first, last, total = found.groups()
        return ContentRange(
            start=int(first) if first is not None else None,
            end=int(last) + 1 if last is not None else None,
            total=int(total) if total != "*" else None,
        )

    @property
    def range_start(self) -> int | None:
        """Where the part begins by a Content-Range that may be misspelt; None if it does not say.

        Only worth believing where something else confirms it.
        """
        found = _RANGE_START.match(self.fields.get("content-range", "").strip())
        return None if found is None else int(found[1])


@lru_cache(maxsize=64)
def _codings(value: str) -> tuple[str, ...]:
    tokens = (token.strip().lower() for token in value.split(","))
    return tuple(token for token in tokens if token not in _IDENTITY)[-_MOST_CODINGS:]


@lru_cache(maxsize=256)
def _media_type(value: str) -> str | None:
    return value.partition(";")[0].strip().lower() or None


_REMEMBERED_LINES, _REMEMBERED_LENGTH = 2048, 200
_LONGEST_DATE = 64  # characters; the obsolete forms have 33 at most


def http_date(value: str | None) -> int | None:
    """Parse an HTTP date (RFC 9110 5.6.7) to POSIX seconds; return None if it is not one."""
    return None if value is None or len(value) > _LONGEST_DATE else _seconds(value)


@lru_cache(maxsize=1024)
def _seconds(value: str) -> int | None:
    """Parse a date; many files share one, so the last ones are cached."""
    try:
        date = parsedate_to_datetime(value)
        # A date without a zone is UTC all the same: the obsolete forms name none.
        return int(date.replace(tzinfo=date.tzinfo or UTC).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None


def parse(lines: Sequence[bytes]) -> Head:
    """Parse the header lines that libcurl delivers, interim responses (1xx) included.

    Each response begins with a status line; the last one counts. Raises HeadInvalid, or its
    subclass HeadIncomplete if the last response's head is not complete.
    """
    said = [*map(_known.__getitem__, lines)]
    fields = dict(said[1:-1])
    if len(fields) == len(said) - 2 and "" not in fields and lines[-1] == _USUAL_BLANK:
        # The fast path for nearly every head: one response, no field twice.
        nameless, first = said[0]
        if nameless or not first or int(first) < _FINAL:
            raise HeadIncomplete("its head is not complete")
        status = int(first)
    else:
        status, fields = _walked(lines, said)
    length = fields.get(_LENGTH)
    if length is None:
        return Head(status, fields, None)
    size = int(length) if _DIGITS.fullmatch(length) else _agreed(length)
    # Transfer-Encoding overrides Content-Length (RFC 9112 6.3), unless it names no coding.
    transfer = fields.get("transfer-encoding")
    is_coded = transfer is not None and transfer.lower() not in _IDENTITY
    return Head(status, fields, None if is_coded else size)


def _walked(lines: Sequence[bytes], said: Iterable[tuple[str, str]]) -> tuple[int, dict[str, str]]:
    """Return the last response's status and fields, with the values of lists joined."""
    status = 0
    fields: dict[str, str] = {}
    for line, (name, value) in zip(lines, said, strict=True):
        if name in _LISTS and name in fields:
            fields[name] = f"{fields[name]},{value}"
        elif name:
            fields[name] = value
        elif value:
            status, fields = int(value), {}
        elif status >= _FINAL and line in _BLANK:
            return status, fields  # what follows are trailers
    raise HeadIncomplete("it ends too early")


class _Lines(dict[bytes, tuple[str, str]]):
    """The meaning of each line: a field's name and value, no name and a status, or neither.

    Most of a host's lines come again and again, so their meaning is cached.
    """

    def __missing__(self, line: bytes) -> tuple[str, str]:
        """Parse a line."""
        text = line.decode("latin-1")
        if text[:5].upper() == "HTTP/":
            found = _STATUS.match(text)
            said = ("", found[1] if found is not None else "")
        else:
            name, colon, value = text.partition(":")
            said = (name.lower(), value.strip()) if colon and name else ("", "")
        if len(line) <= _REMEMBERED_LENGTH:
            if len(self) >= _REMEMBERED_LINES:
                self.clear()
            self[line] = said
        return said


_known = _Lines()


def _agreed(values: str) -> int | None:
    """Return the one length that all members of a list name (RFC 9110 8.6).

    None where it is no number: then only the end of the body tells, as for browsers. Raises
    HeadInvalid.
    """
    named = {value.strip() for value in values.split(",")}
    if len(named) != 1:
        raise HeadInvalid("it has two different Content-Lengths")
    (length,) = named
    return int(length) if _DIGITS.fullmatch(length) else None
