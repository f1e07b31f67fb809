"""The checksums of a file that its server sends with it.

Owns which header fields say what, and when they are not about the bytes that arrive. Leaves
comparing to `assembly`. Pure. Follows RFC 9530 (Repr-Digest), RFC 1864 (Content-MD5), Google Cloud
Storage's `x-goog-hash` and Amazon S3's `x-amz-checksum-*`.

An ETag is never taken for a checksum: S3's is the MD5 of a file only where it was uploaded in one
part without certain kinds of encryption, which the response does not say.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.outbound.head import Head

_REPR_DIGEST, _CONTENT_MD5, _GOOGLE = "repr-digest", "content-md5", "x-goog-hash"
_GOOGLE_STORED: Final = "x-goog-stored-content-encoding"
_S3_TYPE: Final = "x-amz-checksum-type"
_S3: Final = {
    "x-amz-checksum-sha256": "sha256",
    "x-amz-checksum-sha1": "sha1",
    "x-amz-checksum-crc32": "crc32",
}
_FIELDS: Final = frozenset({_REPR_DIGEST, _CONTENT_MD5, _GOOGLE, *_S3})
_BYTES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "crc32": 4}
# RFC 9530 section 5 and its registry; what is missing here is obsolete, or has no library.
_OF_REPR: Final = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5", "sha": "sha1"}
# A member of a dictionary whose value is a byte sequence (RFC 8941 3.2, 3.3.5).
_MEMBER: Final = re.compile(r"([a-z0-9*_.-]+)=:([A-Za-z0-9+/=]*):")
_PARTIAL: Final = 206
_LONGEST: Final = 1024


def sent_digests(head: Head) -> dict[str, str]:
    """Return what a response says of the whole file, by algorithm, in hexadecimal digits.

    Nothing where the body is coded: a digest is then of what is sent, not of the file.
    """
    fields = head.fields
    if _FIELDS.isdisjoint(fields) or head.content_codings:
        return {}
    return dict(_sent(head.status, fields))


def _sent(status: int, fields: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in _MEMBER.findall(_field(fields, _REPR_DIGEST)):
        if (algorithm := _OF_REPR.get(name)) is not None:
            yield from _decoded(algorithm, value)
    # Of a part it is the part's (RFC 1864 is older than ranges).
    if status != _PARTIAL:
        yield from _decoded("md5", _field(fields, _CONTENT_MD5).strip())
    # It is of the object as it is stored, which may be decompressed on its way.
    if fields.get(_GOOGLE_STORED, "identity") == "identity":
        for each in _field(fields, _GOOGLE).split(","):
            name, _, value = each.strip().partition("=")
            if name == "md5":
                yield from _decoded(name, value)
    # Otherwise it is made of the checksums of the parts in which the object was uploaded.
    if fields.get(_S3_TYPE, "").upper() == "FULL_OBJECT":
        for field, algorithm in _S3.items():
            yield from _decoded(algorithm, _field(fields, field).strip())


def _field(fields: dict[str, str], name: str) -> str:
    return fields.get(name, "")[:_LONGEST]


def _decoded(algorithm: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield a digest in base64 as hexadecimal digits, unless it is malformed."""
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return
    if len(digest) == _BYTES[algorithm]:
        yield algorithm, digest.hex()
