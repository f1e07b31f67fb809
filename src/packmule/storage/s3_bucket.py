"""A bucket and a prefix in it: S3's control calls, and its refusals in our words.

Owns the client (boto3), the names of objects below the prefix, and the links that are signed for
what moves many bytes. Leaves what an object means to `s3.py`, parts to `s3_upload.py`. Endpoint,
region and keys come from the usual AWS_* variables, which boto3 reads. The law: the S3 API
reference; a server of one's own (AWS_ENDPOINT_URL_S3) is asked by path, Amazon's by host name.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as ConnectingError

from packmule.errors import StorageAway, StorageFailed
from packmule.foreign_text import clipped
from packmule.storage import s3_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_s3.client import S3Client

_TRIES = 8
_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_CONNECTIONS = 64
_SERVER_ERROR = 500
# Other answers that mean "not now": too many requests, or one that came too slowly.
_LATER = frozenset({408, 425, 429})
_LATER_REASONS = frozenset({"RequestTimeout", "SlowDown", "InternalError", "ThrottlingException"})
# What an operator can fix: the server's word, and what to look at. By status where it has no such.
_FIXABLE = {
    "NoSuchBucket": "check the bucket's name in PACKMULE_STORAGE_URL and its region",
    "PermanentRedirect": "check the bucket's region (AWS_DEFAULT_REGION)",
    "AuthorizationHeaderMalformed": "check the bucket's region (AWS_DEFAULT_REGION)",
    "ExpiredToken": "renew the credentials",
    "ExpiredTokenException": "renew the credentials",
    "TokenRefreshRequired": "renew the credentials",
    "InvalidToken": "check the credentials (AWS_ACCESS_KEY_ID and the others)",
    "InvalidAccessKeyId": "check the credentials (AWS_ACCESS_KEY_ID and the others)",
    "SignatureDoesNotMatch": "check the credentials (AWS_SECRET_ACCESS_KEY)",
    "RequestTimeTooSkewed": "set this machine's clock",
    "QuotaExceeded": "raise the bucket's quota",
    "XMinioStorageFull": "give the object store more room",
}
_DENIED = "allow these keys what docs/operations.md lists for buckets"
_DENIED_STATUSES = frozenset({401, 403})
LINK_SECONDS = 3600
"""How long a link may be begun to be followed; a download that has begun goes on to its end."""

# Words of servers that do not know a call, or not with these arguments.
_UNKNOWN_CALL = frozenset(
    {"NotImplemented", "501", "MethodNotAllowed", "405", "InvalidRequest", "InvalidArgument"}
)
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)
_GONE = frozenset({"NoSuchKey", "NoSuchUpload", "404"})


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Which bucket, and what every object's name begins with: nothing, or a path that ends in /."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Encryption:
    """How the server is to encrypt what it keeps; nothing: as the bucket is set."""

    algorithm: str = ""
    key: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        """Return the arguments for the calls that make an object."""
        words = {"ServerSideEncryption": self.algorithm, "SSEKMSKeyId": self.key}
        return {word: value for word, value in words.items() if value}


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object in a list: its name below the prefix."""

    name: str
    size: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class BucketPart:
    """A part that the server has."""

    number: int
    size: int
    etag: str


class BucketUpload(NamedTuple):
    """An upload under way: the object's name, the upload's id, and when it was begun."""

    name: str
    upload: str
    at: datetime | None


class S3Refused(StorageFailed):
    """The object store refused; `reason` is its word for why."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    @property
    def is_gone(self) -> bool:
        """Return whether what was asked for is not there."""
        return self.reason in _GONE


class S3Unwell(S3Refused, StorageAway):
    """The object store could not do it for now (5xx), or until an operator has fixed something."""


def refusal(what: str, reason: str, status: int = 0) -> S3Refused:
    """Return the server's refusal: one to wait for, where another try or an operator may help.

    `reason` is the server's word, `status` that of its answer.
    """
    advice = _FIXABLE.get(reason)
    if advice is None and (status in _DENIED_STATUSES or reason in {"AccessDenied", "403"}):
        advice = _DENIED
    again = status >= _SERVER_ERROR or status in _LATER or reason in _LATER_REASONS
    kind = S3Unwell if advice is not None or (again and reason not in _UNKNOWN_CALL) else S3Refused
    said = f"{what}: the object store says {reason}."
    return kind(said if advice is None else f"{said[:-1]}; {advice}.", reason)


class Bucket:
    """The objects below a prefix. Raises S3Refused, StorageFailed. Used by any thread."""

    def __init__(self, address: BucketAddress, encryption: Encryption) -> None:
        self._address = address
        self._encryption = encryption
        own = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        config = Config(
            signature_version="s3v4",
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            # Servers other than Amazon's do not all know the newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if own else "virtual"},
        )
        with _translated("The object store cannot be used"):
            self._client: S3Client = boto3.session.Session().client("s3", config=config)
        s3_metrics.watch(self._client)

    def __repr__(self) -> str:
        return f"<Bucket s3://{self._address.bucket}/{self._address.prefix}>"

    def find(self, beginning: str) -> list[BucketObject]:
        """List the objects whose names begin so."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._address.bucket, Prefix=self._key(beginning)
        )
        cut = len(self._address.prefix)
        with _translated("The archive could not be looked up"):
            return [
                BucketObject(item["Key"][cut:], item["Size"], item["ETag"], item["LastModified"])
                for page in pages
                for item in page.get("Contents", ())
            ]

    def put(self, name: str, body: Any) -> None:
        """Make a small object at once; `body` is bytes or a file from its beginning."""
        with _translated("The archive could not be stored"):
            self._client.put_object(**self._at(name), Body=body, **self._making())

    def delete(self, name: str) -> None:
        """Remove an object; none there is no error."""
        with _translated("The archive could not be removed"):
            self._client.delete_object(**self._at(name))

    def uploads(self, beginning: str) -> list[BucketUpload]:
        """List the uploads under way of objects whose names begin so."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._address.bucket, Prefix=self._key(beginning)
        )
        cut = len(self._address.prefix)
        with _translated("The uploads could not be looked up"):
            return [
                BucketUpload(item["Key"][cut:], item["UploadId"], item.get("Initiated"))
                for page in pages
                for item in page.get("Uploads", ())
                # Not every server heeds the prefix.
                if item["Key"].startswith(self._key(beginning))
            ]

    def begin(self, name: str) -> str:
        """Begin the upload of an object in parts; give its id."""
        with _translated("The upload could not be begun"):
            made = self._client.create_multipart_upload(**self._at(name), **self._making())
        return made["UploadId"]

    def parts(self, name: str, upload: str) -> list[BucketPart]:
        """List the parts that the server has."""
        pages = self._client.get_paginator("list_parts").paginate(**self._at(name), UploadId=upload)
        with _translated("The upload's parts could not be listed"):
            return [
                BucketPart(item["PartNumber"], item["Size"], item["ETag"])
                for page in pages
                for item in page.get("Parts", ())
            ]

    def part(self, name: str, upload: str, number: int) -> BucketPart | None:
        """Return one part that the server has, or None."""
        with _translated("The upload's parts could not be listed"):
            listed = self._client.list_parts(
                **self._at(name), UploadId=upload, PartNumberMarker=number - 1, MaxParts=1
            )
        for each in listed.get("Parts", ()):
            if each["PartNumber"] == number:
                return BucketPart(number, each["Size"], each["ETag"])
        # Not every server takes the marker for a number.
        return next((part for part in self.parts(name, upload) if part.number == number), None)

    def copy_part(
        self, name: str, upload: str, number: int, source: tuple[str, str], part: range
    ) -> str | None:
        """Copy a range of an object (its name, its entity tag) as a part; return the part's tag.

        None where the server does not do that.
        """
        try:
            with _translated("The archive could not be copied within the object store"):
                made = self._client.upload_part_copy(
                    **self._at(name),
                    UploadId=upload,
                    PartNumber=number,
                    CopySource={"Bucket": self._address.bucket, "Key": self._key(source[0])},
                    CopySourceIfMatch=source[1],
                    CopySourceRange=f"bytes={part.start}-{part.stop - 1}",
                )
        except S3Refused as refused:
            if refused.reason in _UNKNOWN_CALL:
                return None
            raise
        return made.get("CopyPartResult", {}).get("ETag") or None

    def complete(self, name: str, upload: str, etags: dict[int, str]) -> None:
        """Make the object of its parts, whose numbers and entity tags are given."""
        parts = [{"PartNumber": number, "ETag": etags[number]} for number in sorted(etags)]
        with _translated("The upload could not be completed"):
            self._client.complete_multipart_upload(
                **self._at(name), UploadId=upload, MultipartUpload=cast("Any", {"Parts": parts})
            )

    def abort(self, name: str, upload: str) -> None:
        """Remove an upload and its parts; none there is no error."""
        try:
            with _translated("The upload could not be aborted"):
                self._client.abort_multipart_upload(**self._at(name), UploadId=upload)
        except S3Refused as refused:
            if not refused.is_gone:
                raise

    def link_to_part(self, name: str, upload: str, number: int) -> str:
        """Sign a link to which a part's bytes are put."""
        with _translated("The link could not be signed"):
            return self._client.generate_presigned_url(
                "upload_part",
                {**self._at(name), "UploadId": upload, "PartNumber": number},
                ExpiresIn=LINK_SECONDS,
            )

    def link_to(self, name: str, **answer: str) -> str:
        """Sign a link by which anybody may download an object; `answer`: headers of the answer."""
        with _translated("The link could not be signed"):
            return self._client.generate_presigned_url(
                "get_object", {**self._at(name), **answer}, ExpiresIn=LINK_SECONDS
            )

    def open(self, name: str, etag: str, part: range) -> Any:
        """Return a stream of a part of an object, which must still have this entity tag."""
        asked = f"bytes={part.start}-{part.stop - 1}"
        with _translated("The archive could not be read"):
            answer = self._client.get_object(**self._at(name), Range=asked, IfMatch=etag)
        if not answer.get("ContentRange", "").startswith(f"bytes {part.start}-"):
            answer["Body"].close()
            raise StorageFailed(
                "The archive could not be read: the object store answers a range with other bytes."
            )
        return answer["Body"]

    def _key(self, name: str) -> str:
        return f"{self._address.prefix}{name}"

    def _at(self, name: str) -> dict[str, Any]:
        return {"Bucket": self._address.bucket, "Key": self._key(name)}

    def _making(self) -> dict[str, Any]:
        return {"ContentType": "application/zip", **self._encryption.arguments}


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the store's refusal into ours; names and links stay out of it."""
    try:
        yield
    except ClientError as error:
        reason = clipped(str(error.response.get("Error", {}).get("Code", "unknown reason")))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise refusal(what, reason, status) from error
    except (ConnectingError, HTTPClientError) as error:
        raise StorageAway(f"{what}: the object store cannot be reached.") from error
    except _NO_CREDENTIALS as error:
        raise StorageAway(
            f"{what}: no usable credentials; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or "
            "the role of this machine."
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise StorageFailed(f"{what}: {error}") from error
