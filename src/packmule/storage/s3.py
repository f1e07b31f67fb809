"""Storage in a bucket: archives are objects, assembled in scratch of this machine.

Owns which object is an archive, and that a late writer does no harm:

    <prefix>ab/<key>.<number>.zip    whole: an object appears at once or not at all

A part of an archive has a key of its own, `<key>-<number>`.

The number is the attempt's, with twelve random digits behind it: after a fail-over of the database
that lost commits another run may have the same attempt, and never writes to the same object.

The archive of a completed job is the object whose entity tag the job names; while no job names one,
the highest attempt's. So a run that was believed dead and wakes up to publish makes an object that
nobody looks at. No attempt removes an object before the job is completed: another may have taken it
for the archive by then. While it is being uploaded, the scratch is locked as it is while it is
written: a later attempt copies what it needs and never writes to what is being read
(docs/decisions/0027-archives-in-s3.md).

The entity tag is the store's own, so that it is the same for who is redirected there.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING

from packmule.errors import StorageAway, StorageFailed
from packmule.storage import scratch
from packmule.storage.disk import ScratchArea, checked, translated
from packmule.storage.interface import StoredArchive
from packmule.storage.s3_probe import probe, remove_leftovers
from packmule.storage.s3_reading import S3Bytes
from packmule.storage.s3_stream import S3Stream
from packmule.storage.s3_whole import upload_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from packmule.storage.s3_bucket import Bucket, BucketObject

# Seconds for which a successful look at the bucket holds: each look writes an object.
_CHECK_HOLDS = 10.0
# Bytes of one put; a larger archive is sent in parts, several at once.
_MOST_AT_ONCE = 64 * 1024 * 1024
# Of one attempt.
_NUMBERS = 10**12
# What is ours below the prefix: other names are others' business.
_OURS = re.compile(r"[0-9a-f]{2}/([0-9a-f]{2,64})(?:-\d{1,6})?\.\d{1,18}\.zip")
_PROBE = ".written-by-packmule"


class S3Storage:
    """Holds archives in a bucket, scratch below `data_dir`.

    `most_bytes`: how large an archive may become. `redirect`: clients download from the bucket.
    """

    def __init__(
        self, bucket: Bucket, data_dir: Path, *, most_bytes: int, redirect: bool = False
    ) -> None:
        self._bucket = bucket
        self._scratch = ScratchArea(data_dir)
        self._most_bytes = most_bytes
        self._redirect = redirect
        self._checked_at = float("-inf")
        self._checking = threading.Lock()

    def __repr__(self) -> str:
        return f"<S3Storage {self._bucket!r} redirect={self._redirect}>"

    def claim(
        self, key: str, attempt: int, claimed: Iterable[tuple[int, int]], recorded_by: int = 0
    ) -> AbstractContextManager[Path]:
        """Hold the scratch file of an attempt, with what earlier ones left; see `interface.py`."""
        return self._scratch.claim(key, attempt, claimed, recorded_by)

    def stream(self, key: str, attempt: int, scratch: Path) -> S3Stream:
        """Return the way by which parts go into the bucket while the archive is assembled."""
        beginning = _beginning(key)
        return S3Stream(
            self._bucket,
            lambda number: f"{beginning}{number}.zip",
            _number(attempt),
            scratch,
            most_bytes=self._most_bytes,
            stored=self._stored,
        )

    def publish(self, key: str, attempt: int, assembled: Path) -> StoredArchive:
        """Make what an attempt has assembled, beside its scratch, the archive; durably.

        One put, but for a large part of a split archive: any other large one was uploaded while it
        was assembled. Scratch of this and earlier attempts is removed; objects of other attempts
        stay, see `prune`.
        """
        name = f"{_beginning(key)}{_number(attempt)}.zip"
        with (
            translated("The archive could not be published"),
            scratch.held(assembled) as descriptor,
            os.fdopen(os.dup(descriptor), "rb") as file,
        ):
            self._scratch.require(key, attempt, assembled)
            size = os.fstat(descriptor).st_size
            if size > _MOST_AT_ONCE:
                archive = upload_whole(self.stream(key, attempt, assembled), descriptor, size)
                self._scratch.remove(key, up_to=attempt)
                return archive
            self._bucket.put(name, file)
        found = next((one for one in self._bucket.find(name) if one.name == name), None)
        if found is None:
            raise StorageFailed("The archive was stored, and is not there any more.")
        self._scratch.remove(key, up_to=attempt)
        return self._stored(found)

    def confirm(self, key: str, attempt: int) -> None:
        """Remove the scratch of attempts up to this; an object is durable once it is there."""
        self._scratch.remove(key, up_to=attempt)

    def prune(self, key: str, attempt: int, archive: StoredArchive) -> None:
        """Remove all but this archive, which the completed job names; `attempt` completed it.

        A first attempt has had no other before it.
        """
        self.discard(key)
        others = self._found(key) if attempt > 1 else []
        for _, found in others:
            if found.etag != archive.etag:
                self._bucket.delete(found.name)

    def find(self, key: str, etag: str | None = None) -> StoredArchive | None:
        """Return the archive, or None.

        Of several the one with the entity tag `etag`: a late writer may have added a later one.
        Where none has it, the latest: a bucket that was copied has other entity tags.
        """
        found = [one for _, one in self._found(key)]
        if not found:
            return None
        return self._stored(next((one for one in found if one.etag == etag), found[-1]))

    def remove(self, key: str) -> None:
        """Remove scratch, uploads and archive, for good; nothing there is no error."""
        # In this order, or what is published meanwhile would be missed.
        self.discard(key)
        for found in self._bucket.find(_prefix(key)):
            if _is_of(found.name, key):
                self._bucket.delete(found.name)

    def discard(self, key: str) -> None:
        """Remove the scratch and what was uploaded of it, with that of its parts."""
        self._scratch.remove_all(key)
        for each in self._bucket.uploads(_prefix(key)):
            if _is_of(each.name, key):
                self._bucket.abort(each.name, each.upload)

    def left_over(self) -> Iterator[tuple[str, float]]:
        """List the keys that have scratch here, or an upload under way, with when it was written.

        Of an upload that is when it was begun.
        """
        yield from self._scratch.left_over()
        for each in self._bucket.uploads(""):
            if (match := _OURS.fullmatch(each.name)) is not None:
                yield match[1], 0.0 if each.at is None else each.at.timestamp()

    def archived(self) -> Iterator[str]:
        """List the keys of all archives; one that several runs have published comes more often."""
        for folder in range(256):  # a part at a time: a bucket may hold millions
            for found in self._bucket.find(f"{folder:02x}/"):
                if (match := _OURS.fullmatch(found.name)) is not None:
                    yield match[1]

    def free_bytes(self) -> int:
        """Return how many bytes may still be written to the scratch."""
        return self._scratch.free_bytes()

    def check(self) -> None:
        """Raise StorageFailed, or DiskFull, where the scratch cannot be written.

        StorageAway where only the bucket cannot.
        """
        self._scratch.check()
        with self._checking:
            if time.monotonic() - self._checked_at >= _CHECK_HOLDS:
                try:
                    self._bucket.put(_PROBE, b"")
                except StorageAway:
                    raise
                except StorageFailed as error:
                    raise StorageAway(str(error)) from error
                self._checked_at = time.monotonic()

    def probe(self) -> None:
        """Try all that archives need; raise StorageAway with what the bucket does not do."""
        self._scratch.check()
        probe(self._bucket, f"{_PROBE}.{secrets.token_hex(8)}")
        try:
            remove_leftovers(self._bucket, f"{_PROBE}.")
        except StorageFailed as error:
            raise StorageAway(str(error)) from error

    def _found(self, key: str) -> list[tuple[int, BucketObject]]:
        """List the objects of a key, the latest attempt's last."""
        beginning = _beginning(key)
        found = [(_number_in(one.name, beginning), one) for one in self._bucket.find(beginning)]
        return sorted(
            ((number, one) for number, one in found if number is not None),
            key=lambda each: each[0],
        )

    def _stored(self, found: BucketObject) -> StoredArchive:
        where = S3Bytes(self._bucket, found.name, found.etag, redirect=self._redirect)
        return StoredArchive(found.size, found.etag, found.modified_at.timestamp(), where)


def _prefix(key: str) -> str:
    return f"{checked(key)[:2]}/{key}"


def _beginning(key: str) -> str:
    return f"{_prefix(key)}."


def _is_of(name: str, key: str) -> bool:
    """Return whether an object is an archive's or one of its parts'."""
    return re.fullmatch(rf"{_prefix(key)}(-\d{{1,6}})?\.\d{{1,18}}\.zip", name) is not None


def _number(attempt: int) -> int:
    """Draw the number of an attempt's object, greater than those of earlier attempts."""
    return attempt * _NUMBERS + secrets.randbelow(_NUMBERS)


def _number_in(name: str, beginning: str) -> int | None:
    """Read the number from an object's name; None where it is no archive's."""
    match = re.fullmatch(r"(\d{1,18})\.zip", name.removeprefix(beginning))
    return int(match[1]) if match else None
