"""Reading an archive from the object store: by a link that the client follows, or through us.

Owns going on where an answer was cut, and never joining bytes of two objects: every question names
the entity tag. Little memory whatever the size; nothing is read before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from packmule.errors import StorageAway

if TYPE_CHECKING:
    from packmule.storage.s3_bucket import Bucket

_TRIES = 4


class S3Bytes:
    """An archive's bytes in the object `name`; `redirect`: clients are sent there."""

    path = None

    def __init__(self, bucket: Bucket, name: str, etag: str, *, redirect: bool) -> None:
        self._bucket = bucket
        self.name = name
        self._etag = etag
        self._redirect = redirect

    def open(self) -> S3Reader:
        """Open them; nothing is asked for yet."""
        return S3Reader(self._bucket, self.name, self._etag)

    def link(self, name: str) -> str | None:
        """Sign a link that downloads them under that name, where clients are to be sent there."""
        if not self._redirect:
            return None
        return self._bucket.link_to(
            self.name,
            ResponseContentDisposition=f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            ResponseContentType="application/zip",
            ResponseCacheControl="private, no-cache, no-transform",
        )


class S3Reader:
    """One answer at a time, asked for again where it ends early or another part is wanted."""

    def __init__(self, bucket: Bucket, name: str, etag: str) -> None:
        self._bucket = bucket
        self._name = name
        self._etag = etag
        self._stream: Any = None
        self._at = self._stop = 0

    def read(self, part: range, most: int) -> bytes:
        """Read the beginning of a part, `most` bytes at most."""
        if not part:
            return b""
        for _ in range(_TRIES):
            if self._stream is None or (self._at, self._stop) != (part.start, part.stop):
                self.close()
                self._stream = self._bucket.open(self._name, self._etag, part)
                self._at, self._stop = part.start, part.stop
            try:
                piece: bytes = self._stream.read(min(most, len(part)))
            except (BotoCoreError, HTTPError, OSError):
                piece = b""
            if piece:
                self._at += len(piece)
                return piece
            self.close()
        raise StorageAway("The archive could not be read: the object store's answers are cut.")

    def close(self) -> None:
        """Close the answer, read to its end or not."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
