"""One part of an upload is sent as often as it takes.

Owns when another try is worth it. Leaves one try to `s3_part.py`, S3's words to `s3_bucket.py`. The
law: at most 10,000 parts, each but the last at least 5 MiB.
"""

from __future__ import annotations

import hashlib
import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.storage.s3_bucket import S3Unwell, refusal
from packmule.storage.s3_part import NotSent, Sent, send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from packmule.storage.s3_bucket import Bucket
    from packmule.storage.s3_part import Read

_log = logging.getLogger(__name__)

MOST_PARTS = 10_000
MIB = 1024 * 1024
LEAST_PART = 8 * MIB
_TRIES = 10
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 20.0
_READ_BYTES = 4 * MIB
# S3's word for a part that is not there, or is not the one that is named.
OTHER_PARTS = "InvalidPart"


@dataclass(frozen=True, slots=True)
class Try:
    """What one try at a part takes: which part of which object, and its bytes."""

    bucket: Bucket
    name: str
    upload: str
    number: int
    read: Read
    extents: Sequence[tuple[int, int]]


def send_part(
    one: Try, wanted: Callable[[], None], ended: Event, pause: Callable[[float], object]
) -> str:
    """Send a part, as often as it takes, and give its entity tag. Raises S3Refused.

    `wanted` is asked before each try: it raises where nobody wants the part any more.
    """
    seconds = _FIRST_PAUSE
    for tries_left in reversed(range(_TRIES)):
        wanted()
        link = one.bucket.link_to_part(one.name, one.upload, one.number)
        match send(one.read, one.extents, link, ended.is_set):
            case Sent(etag):
                return etag
            case NotSent(reason, again):
                if not again or not tries_left or ended.is_set():
                    break
                _log.info("part sent again part=%d reason=%s", one.number, reason)
        pause(seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        seconds = min(seconds * 2, _LONGEST_PAUSE)
    what = "A part of the archive could not be stored"
    if again:  # a later run may have more luck
        raise S3Unwell(f"{what}: {reason}.", reason)
    raise refusal(what, reason)


def is_tag_of(etag: str, read: Read, extents: Sequence[tuple[int, int]]) -> bool:
    """Return whether a part's entity tag is that of these bytes.

    It is their MD5; where it is not, as under some encryptions, the part is sent again.
    """
    summed = hashlib.md5(usedforsecurity=False)
    for start, stop in extents:
        for at in range(start, stop, _READ_BYTES):
            summed.update(read(at, min(_READ_BYTES, stop - at)))
    return etag.strip('"').lower() == summed.hexdigest()
