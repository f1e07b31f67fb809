"""Which bytes of a download are believed: those of one version, at their right place.

Owns what is asked for (Range and If-Range) and what an answer's head is worth. Pure. The law:
RFC 9110 13.1.5 (If-Range), 14.4 (Content-Range), 15.3.7 (206). Two versions are never joined: bytes
are appended only under the strong ETag and the length that the first ones came with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packmule.client.steps import Reply

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
# Without obs-text (RFC 9110 8.8.3), which httpx would not send back in If-Range.
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')
# A login page, or an API's own answer, where the archive was asked for.
_DOCUMENT = re.compile(r"text/.*|application/(.*[+])?(json|xml)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an archive: its length and, where it has one, its strong ETag."""

    size: int
    etag: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """What has come: the first `offset` bytes of a version; None where nothing has."""

    offset: int = 0
    version: Version | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether all has come."""
        return self.version is not None and self.offset == self.version.size


@dataclass(frozen=True, slots=True)
class Take:
    """The answer's body belongs to this version, from `at` on."""

    at: int
    version: Version


@dataclass(frozen=True, slots=True)
class Leave:
    """The answer's body is not to be used, for this reason."""

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
    """Ask for the rest of what is held, or for all where the version is another by now."""
    plain = {"Accept-Encoding": "identity"}
    if held.offset == 0 or held.version is None or held.version.etag is None:
        return plain
    return plain | {"Range": f"bytes={held.offset}-", "If-Range": held.version.etag}


def weigh(held: Held, head: Reply, expected: int | None) -> Take | Leave:
    """Tell what the body behind a head of success is. `expected` is its length, if it is known."""
    if head.headers.get("content-encoding", "identity").lower() != "identity":
        return Leave("the archive comes encoded, which was not asked for")
    if _DOCUMENT.fullmatch(head.headers.get("content-type", "").partition(";")[0].strip()):
        return Leave("a page came in its place")
    taken = _part(held, head) if head.status == HTTPStatus.PARTIAL_CONTENT else _all(head, expected)
    if isinstance(taken, Take) and expected not in {None, taken.version.size}:
        return Leave(
            f"the archive has {taken.version.size} bytes and its status tells of {expected}"
        )
    return taken


def _part(held: Held, head: Reply) -> Take | Leave:
    found = _CONTENT_RANGE.fullmatch(head.headers.get("content-range", ""))
    if found is None or held.version is None or held.offset == 0:
        return Leave("a part came that was not asked for")
    first, last, size = (int(each) for each in found.groups())
    if (first, last, size) != (held.offset, held.version.size - 1, held.version.size):
        return Leave(f"the part that came ({found[0]}) is not the one that was asked for")
    if head.headers.get("etag") != held.version.etag:
        return Leave("the part that came is of another version")
    if _length(head) not in {None, size - first}:
        return Leave("the part that came is not as long as it says")
    return Take(first, held.version)


def _all(head: Reply, expected: int | None) -> Take | Leave:
    size = _length(head)
    if size is None:
        size = expected
    if size is None:
        return Leave("the archive comes without its length, so that its end cannot be told")
    etag = head.headers.get("etag", "")
    return Take(0, Version(size, etag if _STRONG.fullmatch(etag) else None))


def _length(head: Reply) -> int | None:
    text = head.headers.get("content-length", "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
