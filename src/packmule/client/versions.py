"""Which bytes of a download may be used: those of one version, at their place.

Owns the request headers (Range, If-Range) and the judgement of a response's head, by RFC 9110
13.1.5 (If-Range), 14.4 (Content-Range) and 15.3.7 (206). Two versions are never mixed: bytes are
appended only under the strong ETag and the length that came with the first ones. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packmule.client.steps import ApiResponse

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
# Without obs-text (RFC 9110 8.8.3), which httpx would not send back in If-Range.
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')
# A login page, or an API's own answer, where the archive was asked for.
_DOCUMENT = re.compile(r"text/.*|application/(.*[+])?(json|xml)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an archive: its length and, if it has one, its strong ETag."""

    size: int
    etag: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """What was downloaded: the first `offset` bytes of a version, or nothing if that is None."""

    offset: int = 0
    version: Version | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether every byte is there."""
        return self.version is not None and self.offset == self.version.size


@dataclass(frozen=True, slots=True)
class AcceptBody:
    """The response body is of this version, from byte `at` on."""

    at: int
    version: Version


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
    if not 0 < held.offset <= version.size:
        return Held()
    offset = min(held.offset, version.size - 1)
    return Held(offset, version) if offset else Held()


def headers(held: Held) -> dict[str, str]:
    """Return the headers that ask for the rest, or for everything if the version has changed."""
    plain = {"Accept-Encoding": "identity"}
    if held.offset == 0 or held.version is None or held.version.etag is None:
        return plain
    return plain | {"Range": f"bytes={held.offset}-", "If-Range": held.version.etag}


def judge_response(held: Held, head: ApiResponse, expected: int | None) -> AcceptBody | RejectBody:
    """Judge the body of a successful response by its head. `expected` is its length, if known."""
    if head.headers.get("content-encoding", "identity").lower() != "identity":
        return RejectBody("it has a content encoding that was not requested")
    if _DOCUMENT.fullmatch(head.headers.get("content-type", "").partition(";")[0].strip()):
        return RejectBody("it is a web page or an error document")
    judged = (
        _part(held, head) if head.status == HTTPStatus.PARTIAL_CONTENT else _all(head, expected)
    )
    if isinstance(judged, AcceptBody) and expected not in {None, judged.version.size}:
        return RejectBody(
            f"it has {judged.version.size} bytes, but the job's status says {expected}"
        )
    return judged


def _part(held: Held, head: ApiResponse) -> AcceptBody | RejectBody:
    found = _CONTENT_RANGE.fullmatch(head.headers.get("content-range", ""))
    if found is None or held.version is None or held.offset == 0:
        return RejectBody("it is a part that was not requested")
    first, last, size = (int(each) for each in found.groups())
    if (first, last, size) != (held.offset, held.version.size - 1, held.version.size):
        return RejectBody(f"it is another part ({found[0]}) than the one requested")
    if head.headers.get("etag") != held.version.etag:
        return RejectBody("it is a part of another version")
    if _length(head) not in {None, size - first}:
        return RejectBody("its length and its Content-Range differ")
    return AcceptBody(first, held.version)


def _all(head: ApiResponse, expected: int | None) -> AcceptBody | RejectBody:
    size = _length(head)
    if size is None:
        size = expected
    if size is None:
        return RejectBody("it has no length, so its end cannot be verified")
    etag = head.headers.get("etag", "")
    return AcceptBody(0, Version(size, etag if _STRONG.fullmatch(etag) else None))


def _length(head: ApiResponse) -> int | None:
    text = head.headers.get("content-length", "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
