"""An archive that becomes an object part by part, while it is assembled.

Owns how large its parts are, that the store surely has a part before anybody is told
so, and what becomes of an upload that another attempt has begun. Leaves one part's way to
`s3_upload.py`, which bytes are a part to the assembly. The law: docs/decisions/0051.

An upload's name is `<attempt> <id> <cell>`: it makes the object of the attempt that has begun it,
whoever completes it, of parts of `cell` bytes. Behind that may follow the numbers of the parts that
an object is made of only to be copied from, `1-3,7`.
"""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from packmule.errors import StaleAttempt, StorageFailed, UploadLost
from packmule.storage.interface import SealedUpload
from packmule.storage.s3_bucket import S3Refused
from packmule.storage.s3_reading import S3Bytes
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
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from threading import Event

    from packmule.storage.interface import StoredArchive
    from packmule.storage.s3_bucket import Bucket, BucketObject
    from packmule.storage.s3_part import Read

_log = logging.getLogger(__name__)

# Of the 10,000 numbers some are for files that fail and leave a hole, and for what follows the
# last file.
_USUAL_PARTS = 9_000
# How much larger than expected an archive may become without being uploaded again.
_MARGIN = 2
# Sent again where the store then says that it has something else.
_ROUNDS = 4


def cell_bytes(expected: float, most_bytes: int) -> int:
    """Return the size of an archive's parts: 9,000 of them hold twice what is expected.

    Whole MiB, at least 8, so that it takes little scratch; at most what an archive of `most_bytes`
    needs.
    """
    bound = min(expected * _MARGIN, most_bytes)
    return max(LEAST_PART, math.ceil(bound / _USUAL_PARTS / MIB) * MIB)


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
        self._listed: dict[tuple[str, int], tuple[int, str]] = {}

    def __repr__(self) -> str:
        return f"<S3Stream {self._name_of(self._attempt)} attempt={self._attempt}>"

    def cell_bytes(self, expected: float) -> int:
        """Return how large the parts of an archive are to be that is expected to be so large."""
        return cell_bytes(expected, self._most_bytes)

    def begin(self, cell: int) -> str:
        """Begin an upload in parts of `cell` bytes, and return its name."""
        return f"{self._attempt} {self._bucket.begin(self._name_of(self._attempt))} {cell}"

    def cell_of(self, upload: str) -> int | None:
        """Return the size of an upload's parts; None for one of version 0.1, which had no cells."""
        return _parsed(upload).cell

    def stored(self, upload: str) -> dict[int, tuple[int, str | None]] | None:
        """Return the size and entity tag of each part that the store has; None for no upload."""
        name, upload_id = self._of(upload)
        try:
            parts = self._bucket.parts(name, upload_id)
        except S3Refused as refused:
            if not refused.is_gone:
                raise
            sealed = self.sealed(upload)
            cell = self.cell_of(upload) or 0
            return None if sealed is None else dict.fromkeys(sealed.ranks, (cell, None))
        self._listed = {(upload_id, part.number): (part.size, part.etag) for part in parts}
        return {part.number: (part.size, part.etag) for part in parts}

    def send(
        self,
        upload: str,
        number: int,
        read: Read,
        extents: Sequence[tuple[int, int]],
        ended: Event,
    ) -> str:
        """Send a part until the store says by itself that it has it; give its entity tag."""
        name, upload_id = self._of(upload)
        size = sum(stop - start for start, stop in extents)
        if (known := self._known((upload_id, number), size, read, extents)) is not None:
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

    def copy(self, upload: str, number: int, source: StoredArchive, part: range) -> str | None:
        """Copy a range of an object as a part, within the store; None where it cannot do that."""
        name, upload_id = self._of(upload)
        self._wanted()
        where = source.bytes
        assert isinstance(where, S3Bytes)  # noqa: S101 - it is one of ours
        etag = self._bucket.copy_part(name, upload_id, number, (where.name, source.etag), part)
        found = None if etag is None else self._bucket.part(name, upload_id, number)
        # Some servers take the call for another one, and store an empty part or the whole object.
        if found is None or etag is None or found.size != len(part):
            return None
        # Ceph's RGW answers without the quotes that it lists the tag with.
        return found.etag if found.etag.strip('"') == etag.strip('"') else None

    def sealing(self, upload: str, numbers: Iterable[int]) -> str:
        """Return the name of an upload that says which parts the object of it will hold."""
        parsed = _parsed(upload)
        return f"{parsed.attempt} {parsed.id} {parsed.cell} {_as_ranges(sorted(numbers))}"

    def sealed(self, upload: str) -> SealedUpload | None:
        """Return the object that was made of an upload's parts to be copied from, or None."""
        parsed = _parsed(upload)
        if not parsed.numbers:
            return None
        found = self._found(self._name_of(parsed.attempt), len(parsed.numbers) * (parsed.cell or 0))
        if found is None:
            return None
        ranks = {number: rank for rank, number in enumerate(parsed.numbers)}
        return SealedUpload(self._as_stored(found), ranks)

    def publish(self, upload: str, etags: Mapping[int, str], size: int) -> StoredArchive:
        """Make the object of these parts.

        Whatever becomes of it, it is not deleted here: it may be another attempt's that has
        completed the same upload meanwhile, and be the archive of a completed job.
        """
        name, upload_id = self._of(upload)
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
        self, part: tuple[str, int], size: int, read: Read, extents: Sequence[tuple[int, int]]
    ) -> str | None:
        """Return the tag of a part that an earlier run sent before it was killed, or None."""
        listed = self._listed.pop(part, None)
        if listed is None or listed[0] != size:
            return None
        return listed[1] if is_tag_of(listed[1], read, extents) else None

    def _wanted(self) -> None:
        """Raise StaleAttempt where the scratch is this attempt's no more."""
        if not self._scratch.exists():
            raise StaleAttempt("What was being uploaded was removed, or taken over by another run.")

    def _of(self, upload: str) -> tuple[str, str]:
        """Return the object's name, and S3's id of the upload."""
        parsed = _parsed(upload)
        return self._name_of(parsed.attempt), parsed.id


class _Upload(NamedTuple):
    """What an upload's name says."""

    attempt: int
    id: str
    cell: int | None
    numbers: list[int]


def _parsed(upload: str) -> _Upload:
    attempt, upload_id, *more = upload.split(" ")
    cell = int(more[0]) if more else None
    return _Upload(int(attempt), upload_id, cell, _from_ranges(more[1]) if more[1:] else [])


def _as_ranges(numbers: Iterable[int]) -> str:
    """Write numbers in their order: `1-3,7`."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def _from_ranges(text: str) -> list[int]:
    ends = (each.partition("-") for each in text.split(","))
    return [number for a, _, b in ends for number in range(int(a), int(b or a) + 1)]


@contextmanager
def _lost() -> Iterator[None]:
    """Raise UploadLost where the store has lost the upload, or parts of it."""
    try:
        yield
    except S3Refused as refused:
        if refused.is_gone or refused.reason == OTHER_PARTS:
            raise UploadLost(f"The object store has lost what was uploaded: {refused}") from refused
        raise
