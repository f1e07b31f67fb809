"""Storage in a bucket: archives are objects, assembled in scratch of this machine.

Owns which object is an archive, and that a late writer does no harm:

    <prefix>ab/<key>.<attempt>.zip    whole: an object appears at once or not at all

The highest attempt's object is the archive. So a run that was believed dead and wakes up to publish
makes an object that nobody looks at, and the next publication or removal takes it away. While it is
being uploaded, the scratch is locked as it is while it is written: a later attempt copies what it
needs and never writes to what is being read (docs/decisions/0027-archives-in-s3.md).

The entity tag is the store's own, so that it is the same for who is redirected there.
"""

from __future__ import annotations

import os
import re
import threading
import time
from typing import TYPE_CHECKING

from packmule.errors import StorageFailed
from packmule.storage import scratch
from packmule.storage.disk import ScratchArea, checked, translated
from packmule.storage.interface import StoredArchive
from packmule.storage.s3_reading import S3Bytes
from packmule.storage.s3_stream import S3Stream
from packmule.storage.s3_upload import Upload, part_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from packmule.storage.s3_bucket import Bucket, Found

# Seconds for which a successful look at the bucket holds: each look writes an object.
_CHECK_HOLDS = 10.0
# What is ours below the prefix: other names are others' business.
_OURS = re.compile(r"[0-9a-f]{2}/([0-9a-f]{2,64})\.\d{1,18}\.zip")
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
        self._part_size = part_size(most_bytes)
        self._redirect = redirect
        self._checked_at = float("-inf")
        self._checking = threading.Lock()

    def claim(
        self, key: str, attempt: int, claimed: Iterable[tuple[int, int]], recorded_by: int = 0
    ) -> AbstractContextManager[Path]:
        """Hold the scratch file of an attempt, with what earlier ones left; see `interface.py`."""
        return self._scratch.claim(key, attempt, claimed, recorded_by)

    def stream(self, key: str, attempt: int, scratch: Path) -> S3Stream:
        """Give the way by which parts go into the bucket while the archive is assembled."""
        beginning = _beginning(key)
        return S3Stream(
            self._bucket,
            lambda number: f"{beginning}{number}.zip",
            attempt,
            scratch,
            most_bytes=self._most_bytes,
            stored=self._stored,
        )

    def publish(self, key: str, attempt: int, assembled: Path) -> StoredArchive:
        """Make what an attempt has assembled, beside its scratch, the archive; durably.

        Scratch of this and earlier attempts is removed.
        """
        name = f"{_beginning(key)}{attempt}.zip"
        with (
            translated("The archive could not be published"),
            scratch.held(assembled) as descriptor,
        ):

            def wanted() -> None:
                if not os.path.samestat(assembled.stat(), os.fstat(descriptor)):
                    raise FileNotFoundError

            Upload(self._bucket, name, descriptor, each=self._part_size, wanted=wanted).run()
            try:
                wanted()
            except FileNotFoundError:
                # Removed, or taken over, at the last moment.
                self._bucket.delete(name)
                raise
        archive = self.confirm(key, attempt)
        if archive is None:
            raise StorageFailed("The archive was stored, and is not there any more.")
        return archive

    def confirm(self, key: str, attempt: int) -> StoredArchive | None:
        """Look for an archive that an earlier attempt has published, and see to its rest."""
        found = self._found(key)
        if not found:
            return None
        latest = found[-1]
        for _, left_over in found[:-1]:
            self._bucket.delete(left_over.name)
        self._abort(key, up_to=attempt)
        self._scratch.remove(key, up_to=attempt)
        return self._stored(latest[1])

    def find(self, key: str) -> StoredArchive | None:
        """Look an archive up."""
        found = self._found(key)
        return self._stored(found[-1][1]) if found else None

    def remove(self, key: str) -> None:
        """Remove scratch, uploads and archive, for good; nothing there is no error."""
        # In this order, or what is published meanwhile would be missed.
        self.discard(key)
        for _, found in self._found(key):
            self._bucket.delete(found.name)

    def discard(self, key: str) -> None:
        """Remove the scratch and what was uploaded of it; nothing there is no error."""
        self._scratch.remove(key)
        self._abort(key)

    def left_over(self) -> Iterator[tuple[str, float]]:
        """List the keys that have scratch here, or an upload under way, with when it was written.

        Of an upload that is when it was begun.
        """
        yield from self._scratch.left_over()
        for each in self._bucket.uploads(""):
            if (match := _OURS.fullmatch(each.name)) is not None:
                yield match[1], 0.0 if each.at is None else each.at.timestamp()

    def free_bytes(self) -> int:
        """Tell how many bytes may still be written to the scratch."""
        return self._scratch.free_bytes()

    def check(self) -> None:
        """Raise StorageFailed, or DiskFull, where scratch or bucket cannot be written."""
        self._scratch.check()
        with self._checking:
            if time.monotonic() - self._checked_at >= _CHECK_HOLDS:
                self._bucket.put(_PROBE, b"")
                self._checked_at = time.monotonic()

    def _abort(self, key: str, *, up_to: int | None = None) -> None:
        """Abort a key's uploads, of attempts up to one where that is told."""
        beginning = _beginning(key)
        for each in self._bucket.uploads(beginning):
            number = _attempt(each.name, beginning)
            if number is not None and (up_to is None or number <= up_to):
                self._bucket.abort(each.name, each.upload)

    def _found(self, key: str) -> list[tuple[int, Found]]:
        """List the objects of a key, the latest attempt's last."""
        beginning = _beginning(key)
        found = [(_attempt(one.name, beginning), one) for one in self._bucket.find(beginning)]
        return sorted(
            ((number, one) for number, one in found if number is not None),
            key=lambda each: each[0],
        )

    def _stored(self, found: Found) -> StoredArchive:
        where = S3Bytes(self._bucket, found.name, found.etag, redirect=self._redirect)
        return StoredArchive(found.size, found.etag, found.modified_at.timestamp(), where)


def _beginning(key: str) -> str:
    return f"{checked(key)[:2]}/{key}."


def _attempt(name: str, beginning: str) -> int | None:
    """Read the attempt from an object's name; None where it is no archive's."""
    match = re.fullmatch(r"(\d{1,18})\.zip", name.removeprefix(beginning))
    return int(match[1]) if match else None
