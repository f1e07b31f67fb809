"""An archive that becomes an object part by part, while it is assembled.

Owns how large a part of which number is, that the store surely has a part before anybody is told
so, and what becomes of an upload that another attempt has begun. Leaves one part's way to
`s3_upload.py`, which bytes are a part to the assembly. The law: docs/decisions/0029.

An upload's name is `<attempt> <id>`: it makes the object of the attempt that has begun it, whoever
completes it.
"""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from packmule.errors import StaleAttempt, StorageFailed, UploadLost
from packmule.storage.s3_bucket import S3Refused
from packmule.storage.s3_upload import (
    LEAST_PART,
    MIB,
    MOST_PARTS,
    OTHER_PARTS,
    Try,
    is_tag_of,
    send_part,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from threading import Event

    from packmule.storage.interface import StoredArchive
    from packmule.storage.s3_bucket import Bucket, BucketObject
    from packmule.storage.s3_part import Read

_log = logging.getLogger(__name__)

# Of the 10,000 numbers some are given up again, by entries that fail or begin anew.
_USUAL_PARTS = 9_000
# Sent again where the store then says that it has something else.
_ROUNDS = 4


def growing_part(number: int, most_bytes: int) -> int:
    """Return how large a part of a number is at least: so that 9,000 of them hold `most_bytes`.

    They grow with their number, evenly: an archive of some gigabytes goes in small ones, which
    takes little scratch, and the largest still fits.
    """
    beyond = max(0, most_bytes - _USUAL_PARTS * LEAST_PART)
    each = LEAST_PART + number * 2 * beyond / _USUAL_PARTS**2
    return math.ceil(each / MIB) * MIB


class S3Stream:
    """The parts of one key's archive, sent by one attempt."""

    most_parts = MOST_PARTS

    def __init__(
        self,
        bucket: Bucket,
        name_of: Callable[[int], str],
        attempt: int,
        scratch: Path,
        *,
        most_bytes: int,
        stored: Callable[[BucketObject], StoredArchive],
    ) -> None:
        """`name_of` names an attempt's object; `stored` tells of it as of an archive."""
        self._bucket = bucket
        self._name_of = name_of
        self._attempt = attempt
        self._scratch = scratch
        self._most_bytes = most_bytes
        self._as_stored = stored
        self._listed: dict[int, tuple[int, str]] = {}

    def __repr__(self) -> str:
        return f"<S3Stream {self._name_of(self._attempt)} attempt={self._attempt}>"

    def part_bytes(self, number: int) -> int:
        """Return how large a part of that number is to be, at least."""
        return growing_part(number, self._most_bytes)

    def begin(self) -> str:
        """Begin an upload, and give its name."""
        return f"{self._attempt} {self._bucket.begin(self._name_of(self._attempt))}"

    def stored(self, upload: str) -> dict[int, tuple[int, str]] | None:
        """Return the size and entity tag of each part that the store has; None for no upload."""
        name, upload_id = self._parsed(upload)
        try:
            parts = self._bucket.parts(name, upload_id)
        except S3Refused as refused:
            if refused.is_gone:
                return None
            raise
        self._listed = {part.number: (part.size, part.etag) for part in parts}
        return dict(self._listed)

    def send(
        self,
        upload: str,
        number: int,
        read: Read,
        extents: Sequence[tuple[int, int]],
        ended: Event,
    ) -> str:
        """Send a part until the store says by itself that it has it; give its entity tag."""
        name, upload_id = self._parsed(upload)
        size = sum(stop - start for start, stop in extents)
        if (known := self._known(number, size, read, extents)) is not None:
            return known
        one = Try(self._bucket, name, upload_id, number, read, extents)
        for _ in range(_ROUNDS):
            with _lost():
                etag = send_part(one, self._wanted, ended, ended.wait)
                part = self._bucket.part(name, upload_id, number)
            if part is not None and (part.size, part.etag) == (size, etag):
                return etag
            _log.warning("part stored wrongly, sent again part=%d", number)
        raise StorageFailed("The object store has other parts than were sent.")

    def publish(self, upload: str, etags: Mapping[int, str], size: int) -> StoredArchive:
        """Make the object of these parts.

        Whatever becomes of it, it is not deleted here: it may be another attempt's that has
        completed the same upload meanwhile, and be the archive of a completed job.
        """
        name, upload_id = self._parsed(upload)
        self._wanted()
        try:
            with _lost():
                self._bucket.complete(name, upload_id, dict(etags))
        except StorageFailed:
            # The answer may have been lost, not the completion.
            if self._found(name, size) is None:
                raise
        found = self._found(name, size)
        if found is None:
            raise StorageFailed(
                f"The object store made an object of the parts that is not {size:,} bytes long."
            )
        return self._as_stored(found)

    def _found(self, name: str, size: int) -> BucketObject | None:
        found = self._bucket.find(name)
        return next((one for one in found if one.name == name and one.size == size), None)

    def _known(
        self, number: int, size: int, read: Read, extents: Sequence[tuple[int, int]]
    ) -> str | None:
        """Return the tag of a part that an earlier run sent before it was killed, or None."""
        listed = self._listed.pop(number, None)
        if listed is None or listed[0] != size:
            return None
        return listed[1] if is_tag_of(listed[1], read, extents) else None

    def _wanted(self) -> None:
        """Raise StaleAttempt where the scratch is this attempt's no more."""
        if not self._scratch.exists():
            raise StaleAttempt("What was being uploaded was removed, or taken over by another run.")

    def _parsed(self, upload: str) -> tuple[str, str]:
        """Return the object's name, and S3's id of the upload."""
        attempt, _, upload_id = upload.partition(" ")
        return self._name_of(int(attempt)), upload_id


@contextmanager
def _lost() -> Iterator[None]:
    """Raise UploadLost where the store has lost the upload, or parts of it."""
    try:
        yield
    except S3Refused as refused:
        if refused.is_gone or refused.reason == OTHER_PARTS:
            raise UploadLost(f"The object store has lost what was uploaded: {refused}") from refused
        raise
