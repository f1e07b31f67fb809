"""A file becomes an object, in parts: several at once, each as often as it takes.

Owns how large parts are, what of an earlier upload is kept, and when another try is worth it.
Leaves one try to `s3_part.py`, S3's words to `s3_bucket.py`. The law: at most 10,000 parts, each
but the last at least 5 MiB; what the store says it has (ListParts) counts, not what was sent.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from packmule.errors import StorageFailed
from packmule.storage.s3_bucket import S3Refused
from packmule.storage.s3_part import NotSent, Sent, send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packmule.storage.s3_bucket import Bucket
    from packmule.storage.s3_part import Read

_log = logging.getLogger(__name__)

MOST_PARTS = 10_000
MIB = 1024 * 1024
LEAST_PART = 8 * MIB
# Two fill a gigabit; more would only take processor from the transfers that fill the archive.
_AT_ONCE = 3
_TRIES = 10
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 20.0
# Uploads begun anew, since the store has lost one, and completions asked for again.
_ROUNDS = 4
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
                _log.info("part %d is sent again: %s", one.number, reason)
        pause(seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        seconds = min(seconds * 2, _LONGEST_PAUSE)
    raise S3Refused(f"A part of the archive could not be stored: {reason}.", reason)


def is_tag_of(etag: str, read: Read, extents: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a part's entity tag is that of these bytes.

    It is their MD5; where it is not, as under some encryptions, the part is sent again.
    """
    summed = hashlib.md5(usedforsecurity=False)
    for start, stop in extents:
        for at in range(start, stop, _READ_BYTES):
            summed.update(read(at, min(_READ_BYTES, stop - at)))
    return etag.strip('"').lower() == summed.hexdigest()


def part_size(most_bytes: int) -> int:
    """Say how large parts are so that 10,000 of them hold `most_bytes`; whole MiB."""
    return max(LEAST_PART, -(-most_bytes // (MOST_PARTS * MIB)) * MIB)


def parts_of(size: int, each: int) -> dict[int, range]:
    """Divide a file into numbered parts."""
    return {
        number: range(start, min(start + each, size))
        for number, start in enumerate(range(0, size, each), start=1)
    }


class Upload:
    """Uploads one file as the object `name`, in parts of `each` bytes.

    `wanted` is asked between parts: it raises where nobody wants the object any more.
    """

    def __init__(
        self,
        bucket: Bucket,
        name: str,
        descriptor: int,
        *,
        each: int,
        wanted: Callable[[], None] = lambda: None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._bucket = bucket
        self._name = name
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._parts = parts_of(self._size, each)
        self._wanted = wanted
        self._ended = Event()
        self._pause = pause or self._ended.wait

    def run(self) -> None:
        """Upload what the store has not yet, and make the object. Raises StorageFailed."""
        if len(self._parts) <= 1:
            with os.fdopen(os.dup(self._descriptor), "rb") as file:
                file.seek(0)
                self._bucket.put(self._name, file)
            return
        upload = self._earlier()
        for rounds_left in reversed(range(_ROUNDS)):
            try:
                upload = upload or self._bucket.begin(self._name)
                self._round(upload)
            except S3Refused as refused:
                if self._is_there():
                    return  # the answer to a completion was lost, not the completion
                if not (refused.is_gone or refused.reason == OTHER_PARTS) or not rounds_left:
                    raise
                _log.warning("an upload goes into another round: %s", refused.reason)
                upload = None if refused.is_gone else upload
            else:
                return

    def _round(self, upload: str) -> None:
        """Send what is missing, and make the object of what the store says it has."""
        etags = self._kept(upload)
        etags |= self._send(upload, [number for number in self._parts if number not in etags])
        listed = self._bucket.parts(self._name, upload)
        have = {part.number: (part.size, part.etag) for part in listed}
        if have != {number: (len(self._parts[number]), etags[number]) for number in self._parts}:
            raise S3Refused("The object store has other parts than were sent.", OTHER_PARTS)
        self._wanted()
        self._bucket.complete(self._name, upload, etags)

    def _earlier(self) -> str | None:
        """Give the id of an upload that was begun before."""
        begun = self._bucket.uploads(self._name)
        ids = [each.upload for each in begun if each.name == self._name]
        for upload in ids[:-1]:
            self._bucket.abort(self._name, upload)
        return ids[-1] if ids else None

    def _kept(self, upload: str) -> dict[int, str]:
        """Look which parts the store has as they are in the file.

        Only after a kill in the middle is there anything to look at.
        """
        return {
            part.number: part.etag
            for part in self._bucket.parts(self._name, upload)
            if (of := self._parts.get(part.number)) is not None
            and part.size == len(of)
            and is_tag_of(part.etag, self._read, [(of.start, of.stop)])
        }

    def _read(self, at: int, most: int) -> bytes:
        return os.pread(self._descriptor, most, at)

    def _send(self, upload: str, numbers: list[int]) -> dict[int, str]:
        """Send parts, and give their entity tags; the first that cannot be sent ends it all."""
        self._ended.clear()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upload") as pool:
            sending = {number: pool.submit(self._send_part, upload, number) for number in numbers}
            try:
                return {number: one.result() for number, one in sending.items()}
            except BaseException:
                self._ended.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _send_part(self, upload: str, number: int) -> str:
        part = self._parts[number]
        try_once = Try(
            self._bucket,
            self._name,
            upload,
            number,
            self._read,
            [(part.start, part.stop)],
        )
        return send_part(try_once, self._wanted, self._ended, self._pause)

    def _is_there(self) -> bool:
        """Tell whether the object is there after all."""
        try:
            found = self._bucket.find(self._name)
        except StorageFailed:
            return False
        return any(one.name == self._name and one.size == self._size for one in found)
