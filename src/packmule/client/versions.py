"""Which bytes of a download may be used: those of one version, at their place.

Owns the request headers (Range, If-Range) and the judgement of a response's head, by RFC 9110
13.1.5 (If-Range), 14.4 (Content-Range) and 15.3.7 (206). Two versions are never mixed: bytes are
joined only under the strong ETag and the length that came with the first ones. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from packmule.client.segments import Ranges, merged

if TYPE_CHECKING:
    from packmule.client.steps import ApiResponse

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
# Without obs-text (RFC 9110 8.8.3), which httpx would not send back in If-Range.
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')
# A login page, or an API's own answer, where the archive was asked for.
_DOCUMENT = re.compile(r"text/.*|application/(.*[+])?(json|xml)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of what is downloaded: its length and, if it has one, its strong ETag."""

    size: int
    etag: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """What was downloaded: these ranges of a version, or nothing if that is None."""

    ranges: Ranges = ()
    version: Version | None = None

    @property
    def count(self) -> int:
        """How many bytes are there."""
        return sum(end - start for start, end in self.ranges)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bytes to request: those of a version from `start` to before `end`, or to the last.

    Without a version, everything of the current one.
    """

    start: int = 0
    version: Version | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptBody:
    """The response body is of this version, from byte `at` on; `whole` if it is all of it."""

    at: int
    version: Version
    whole: bool = False


@dataclass(frozen=True, slots=True)
class RejectBody:
    """The response body must not be used, for this reason."""

    reason: str


def resumable(held: Held) -> Held:
    """Return what of an earlier run can be continued: nothing, if its version cannot be named.

    Of a whole archive the last byte is asked for again: only the server's answer to that tells
    whether this is still its version.
    """
    version = held.version
    if version is None or version.etag is None or not _STRONG.fullmatch(version.etag):
        return Held()
    ranges = merged(held.ranges)
    if not ranges or ranges[0][0] < 0 or ranges[-1][1] > version.size:
        return Held()
    if ranges == ((0, version.size),):
        ranges = ((0, version.size - 1),) if version.size > 1 else ()
    return Held(ranges, version) if ranges else Held()


def headers(wanted: Wanted) -> dict[str, str]:
    """Return the headers that ask for a part, or for everything if the version has changed."""
    plain = {"Accept-Encoding": "identity"}
    version = wanted.version
    if version is None or version.etag is None:
        return plain
    if wanted.start == 0 and wanted.end in {None, version.size}:
        return plain
    last = "" if wanted.end is None or wanted.end == version.size else wanted.end - 1
    return plain | {"Range": f"bytes={wanted.start}-{last}", "If-Range": version.etag}


def judge_response(
    wanted: Wanted, head: ApiResponse, expected: int | None, *, may_be_empty: bool = False
) -> AcceptBody | RejectBody:
    """Judge the body of a successful response by its head. `expected` is its length, if known.

    A file may be empty; an archive never is.
    """
    if head.headers.get("content-encoding", "identity").lower() != "identity":
        return RejectBody("it has a content encoding that was not requested")
    if _DOCUMENT.fullmatch(head.headers.get("content-type", "").partition(";")[0].strip()):
        return RejectBody("it is a web page or an error document")
    if head.status == HTTPStatus.PARTIAL_CONTENT:
        judged = _part(wanted, head)
    else:
        judged = _all(head, expected, may_be_empty=may_be_empty)
    if isinstance(judged, AcceptBody) and expected not in {None, judged.version.size}:
        return RejectBody(
            f"it has {judged.version.size} bytes, but the job's status says {expected}"
        )
    return judged


def _part(wanted: Wanted, head: ApiResponse) -> AcceptBody | RejectBody:
    found = _CONTENT_RANGE.fullmatch(head.headers.get("content-range", ""))
    version = wanted.version
    if found is None or version is None or "Range" not in headers(wanted):
        return RejectBody("it is a part that was not requested")
    end = version.size if wanted.end is None else wanted.end
    first, last, size = (int(each) for each in found.groups())
    if (first, last, size) != (wanted.start, end - 1, version.size):
        return RejectBody(f"it is another part ({found[0]}) than the one requested")
    if head.headers.get("etag") != version.etag:
        return RejectBody("it is a part of another version")
    if _length(head) not in {None, end - first}:
        return RejectBody("its length and its Content-Range differ")
    return AcceptBody(first, version)


def _all(head: ApiResponse, expected: int | None, *, may_be_empty: bool) -> AcceptBody | RejectBody:
    size = _length(head)
    if size is None:
        size = expected
    if size is None:
        return RejectBody("it has no length, so its end cannot be verified")
    if size == 0 and not may_be_empty:
        return RejectBody("it is empty")
    etag = head.headers.get("etag", "")
    return AcceptBody(0, Version(size, etag if _STRONG.fullmatch(etag) else None), whole=True)


def sends_parts(accepted: AcceptBody, head: ApiResponse) -> bool:
    """Return whether the server surely sends parts of this version (RFC 9110 14.3)."""
    if accepted.version.etag is None:
        return False
    return not accepted.whole or head.headers.get("accept-ranges", "").lower() == "bytes"


def _length(head: ApiResponse) -> int | None:
    text = head.headers.get("content-length", "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
