"""A bucket in memory, whose callers can be frozen before the store acts, and before it answers."""

from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.fakes.frozen import step

from packmule.storage.s3_bucket import BucketObject, BucketPart, BucketUpload, S3Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


def etag_of(content: bytes) -> str:
    """Return the entity tag of some bytes."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@contextmanager
def asked() -> Iterator[None]:
    """Freeze before what is asked is done, and before the answer comes."""
    step()
    yield
    step()


class MemoryBucket:
    """Objects and uploads under way, as `Bucket` has them."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.under_way: dict[str, tuple[str, dict[int, bytes]]] = {}
        self._begun = 0

    def find(self, beginning: str) -> list[BucketObject]:
        """List the objects whose names begin so."""
        with asked():
            found = [(n, body) for n, body in self.objects.items() if n.startswith(beginning)]
        return [BucketObject(n, len(body), etag_of(body), datetime.now(UTC)) for n, body in found]

    def put(self, name: str, body: BinaryIO) -> None:
        """Make an object."""
        with asked():
            self.objects[name] = body.read()

    def delete(self, name: str) -> None:
        """Remove an object."""
        with asked():
            self.objects.pop(name, None)

    def open(self, name: str, etag: str, part: range) -> io.BytesIO:
        """Read a part of an object."""
        with asked():
            body = self.objects.get(name)
        if body is None or etag_of(body) != etag:
            raise S3Refused("The archive could not be read.", "NoSuchKey")
        return io.BytesIO(body[part.start : part.stop])

    def begin(self, name: str) -> str:
        """Begin an upload."""
        with asked():
            self._begun += 1
            self.under_way[f"u{self._begun}"] = (name, {})
            return f"u{self._begun}"

    def uploads(self, beginning: str) -> list[BucketUpload]:
        """List the uploads under way."""
        with asked():
            uploads = list(self.under_way.items())
        return [
            BucketUpload(name, id_, None)
            for id_, (name, _) in uploads
            if name.startswith(beginning)
        ]

    def parts(self, name: str, upload: str) -> list[BucketPart]:
        """List an upload's parts."""
        with asked():
            parts = dict(self._parts(name, upload))
        return [BucketPart(number, len(body), etag_of(body)) for number, body in parts.items()]

    def put_part(self, name: str, upload: str, number: int, body: bytes) -> str:
        """Keep a part."""
        with asked():
            self._parts(name, upload)[number] = body
        return etag_of(body)

    def complete(self, name: str, upload: str, etags: dict[int, str]) -> None:
        """Make the object of its parts."""
        with asked():
            parts = self._parts(name, upload)
            # As strict as Ceph's RGW: no part may be left out.
            if {number: etag_of(body) for number, body in parts.items()} != etags:
                raise S3Refused("The upload could not be completed.", "InvalidPart")
            self.objects[name] = b"".join(parts[number] for number in sorted(etags))
            del self.under_way[upload]

    def abort(self, _name: str, upload: str) -> None:
        """Let an upload go."""
        with asked():
            self.under_way.pop(upload, None)

    def _parts(self, name: str, upload: str) -> dict[int, bytes]:
        if (found := self.under_way.get(upload)) is None or found[0] != name:
            raise S3Refused("The upload is not there.", "NoSuchUpload")
        return found[1]
