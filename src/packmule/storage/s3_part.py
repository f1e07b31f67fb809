"""One part's way to the object store: from a file to a signed link, by libcurl.

Owns one try, and what its answer means; leaves trying again to `s3_upload.py`. The bytes go from
the file through a buffer of libcurl's: memory does not grow with the part.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import certifi
import pycurl

from packmule.storage import s3_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

Read = Callable[[int, int], bytes]

_BUFFER_BYTES = 512 * 1024
_CONNECT_SECONDS = 10
# A connection that moves nothing for so long is cut, and the part is sent again.
_STALL_SECONDS = 60
_OK = 200
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")
# Words for a part that did not arrive as it was sent, or too late.
_DAMAGED = frozenset({"BadDigest", "IncompleteBody", "RequestTimeout", "SlowDown", "InternalError"})
_MOST_ANSWER = 16 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """The store has the part, under that entity tag."""

    etag: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It has not; `again`: another try may be better."""

    reason: str
    again: bool


@dataclass(slots=True)
class _Answer:
    etag: str = ""
    body: bytearray = field(default_factory=bytearray)

    def take_header(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if line.startswith(b"HTTP/"):
            self.etag = ""
        elif name.strip().lower() == b"etag":
            self.etag = value.strip().decode("latin-1")

    def take_body(self, piece: bytes) -> None:
        self.body += piece[: _MOST_ANSWER - len(self.body)]


def send(
    read: Read,
    extents: Sequence[tuple[int, int]],
    link: str,
    ended: Callable[[], bool] = lambda: False,
) -> Sent | NotSent:
    """Send ranges of a file, one behind the other; one try.

    `read(offset, length)` gives their bytes; `ended` tells that nobody waits any more.
    """
    answer = _Answer()
    left = list(reversed(extents))

    def give(most: int) -> bytes | int:
        if ended():
            return int(pycurl.READFUNC_ABORT)
        if not left:
            return b""
        at, stop = left.pop()
        piece = read(at, min(most, stop - at))
        if at + len(piece) < stop:
            left.append((at + len(piece), stop))
        return piece

    curl = pycurl.Curl()
    began, status = time.monotonic(), 0
    try:
        curl.setopt(pycurl.URL, link)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.CAINFO, os.environ.get("AWS_CA_BUNDLE") or certifi.where())
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.UPLOAD_BUFFERSIZE, _BUFFER_BYTES)
        curl.setopt(pycurl.INFILESIZE_LARGE, sum(stop - at for at, stop in extents))
        # Without waiting for a 100: most stores take the part anyway.
        curl.setopt(pycurl.HTTPHEADER, ["Expect:", "Content-Type:"])
        curl.setopt(pycurl.READFUNCTION, give)
        curl.setopt(pycurl.HEADERFUNCTION, answer.take_header)
        curl.setopt(pycurl.WRITEFUNCTION, answer.take_body)
        curl.setopt(pycurl.CONNECTTIMEOUT, _CONNECT_SECONDS)
        curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        curl.setopt(pycurl.LOW_SPEED_TIME, _STALL_SECONDS)
        # Asked about once a second also while nothing moves, where `give` is not.
        curl.setopt(pycurl.NOPROGRESS, 0)
        curl.setopt(pycurl.XFERINFOFUNCTION, lambda *_: int(ended()))
        curl.perform()
        status = int(curl.getinfo(pycurl.RESPONSE_CODE))
    except pycurl.error as error:
        return NotSent(f"the connection failed (libcurl {error.args[0]})", again=True)
    finally:
        curl.close()
        s3_metrics.count("upload_part", status, time.monotonic() - began)
    return _verdict(status, answer)


def _verdict(status: int, answer: _Answer) -> Sent | NotSent:
    if status == _OK and answer.etag:
        return Sent(answer.etag)
    code = _CODE.search(answer.body)
    reason = code[1].decode() if code else f"status {status} without an entity tag"
    return NotSent(reason, again=status in _AGAIN or status == _OK or reason in _DAMAGED)
