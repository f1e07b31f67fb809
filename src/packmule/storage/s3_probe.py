"""Whether an object store can and may do all that archives need, tried once at the start.

Owns what is tried, and the sentence that says what is missing. Copying within the store is not
among it: where that cannot be done, bytes are sent again (docs/decisions/0051). A trial that was
killed leaves an object and an upload behind; a later start removes them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from packmule.errors import StorageAway, StorageFailed
from packmule.storage.s3_bucket import S3Refused
from packmule.storage.s3_part import Sent, send

if TYPE_CHECKING:
    from packmule.storage.s3_bucket import Bucket

_CONTENT = b"written by packmule"
_PART = range(8, 10)

# Another process may be trying right now, and the store's clock is not ours.
_SURELY_OVER = timedelta(days=1)


def probe(bucket: Bucket, name: str) -> None:
    """Do everything once with an object of that name, which is gone afterwards.

    Raises StorageAway.
    """
    probing = _Probing(bucket, name)
    for what, permission, do in (
        ("store objects", "s3:PutObject", probing.put),
        ("list objects", "s3:ListBucket", probing.list_objects),
        ("read a range of an object", "s3:GetObject", probing.read_range),
        ("begin an upload", "s3:PutObject", probing.begin),
        ("store a part of an upload", "s3:PutObject", probing.send_part),
        ("list the parts of an upload", "s3:ListMultipartUploadParts", probing.list_parts),
        ("list uploads", "s3:ListBucketMultipartUploads", probing.list_uploads),
        ("abort an upload", "s3:AbortMultipartUpload", probing.abort),
        ("remove objects", "s3:DeleteObject", probing.delete),
    ):
        try:
            do()
        except S3Refused as error:
            reason = error.reason
        except StorageAway:
            raise  # nobody is there
        except StorageFailed as error:
            reason = str(error).rstrip(".")
        else:
            continue
        raise StorageAway(
            f"The object store does not let Packmule {what} (permission {permission}): {reason}."
        )


def remove_leftovers(bucket: Bucket, beginning: str) -> None:
    """Remove what trials whose names begin so have left behind a day ago or longer.

    Raises StorageFailed, StorageAway.
    """
    until = datetime.now(UTC) - _SURELY_OVER
    for upload in bucket.uploads(beginning):
        if upload.at is None or upload.at < until:
            bucket.abort(upload.name, upload.upload)
    for found in bucket.find(beginning):
        if found.modified_at < until:
            bucket.delete(found.name)


class _Probing:
    """One object, and one upload of it."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self._bucket = bucket
        self._name = name
        self._etag = self._upload = ""

    def put(self) -> None:
        self._bucket.put(self._name, _CONTENT)

    def list_objects(self) -> None:
        tags = [found.etag for found in self._bucket.find(self._name) if found.name == self._name]
        if not tags:
            raise StorageFailed("it does not list an object that was just stored")
        self._etag = tags[0]

    def read_range(self) -> None:
        content = self._bucket.open(self._name, self._etag, _PART).read()
        if content != _CONTENT[_PART.start : _PART.stop]:
            raise StorageFailed("it answers a range with other bytes")

    def begin(self) -> None:
        self._upload = self._bucket.begin(self._name)

    def send_part(self) -> None:
        link = self._bucket.link_to_part(self._name, self._upload, 1)
        sent = send(lambda at, most: _CONTENT[at : at + most], [(0, len(_CONTENT))], link)
        if not isinstance(sent, Sent):
            raise StorageFailed(sent.reason)

    def list_parts(self) -> None:
        sizes = [part.size for part in self._bucket.parts(self._name, self._upload)]
        if sizes != [len(_CONTENT)]:
            raise StorageFailed("it does not list a part that was just stored")

    def list_uploads(self) -> None:
        self._bucket.uploads(self._name)

    def abort(self) -> None:
        self._bucket.abort(self._name, self._upload)

    def delete(self) -> None:
        self._bucket.delete(self._name)
