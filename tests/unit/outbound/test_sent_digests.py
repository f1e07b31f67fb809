"""Which checksums of a file its server sends, and which only look like one."""

from __future__ import annotations

import pytest

from packmule.outbound.head import parse
from packmule.outbound.sent_digests import sent_digests

MD5 = "XrY7u+Ae7tCTyyK7j1rNww=="
MD5_HEX = "5eb63bbbe01eeed093cb22bb8f5acdc3"
SHA256 = "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="
SHA256_HEX = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
CRC32 = "DUoRhQ=="


def said(*fields: str, status: int = 200) -> dict[str, str]:
    lines = [f"HTTP/1.1 {status} OK", "Content-Length: 11", *fields, ""]
    return sent_digests(parse([f"{line}\r\n".encode() for line in lines]))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ((), {}),
        (('ETag: "5eb63bbbe01eeed093cb22bb8f5acdc3"',), {}),
        ((f"Content-MD5: {MD5}",), {"md5": MD5_HEX}),
        ((f"Content-MD5: {MD5_HEX}",), {}),
        (("Content-MD5: ?",), {}),
        ((f"Repr-Digest: sha-256=:{SHA256}:",), {"sha256": SHA256_HEX}),
        ((f"Repr-Digest: md5=:{MD5}:, sha-256=:{SHA256}:",),
         {"md5": MD5_HEX, "sha256": SHA256_HEX}),
        ((f"Repr-Digest: md5=:{MD5}:", f"Repr-Digest: sha-256=:{SHA256}:"),
         {"md5": MD5_HEX, "sha256": SHA256_HEX}),
        ((f"Repr-Digest: unixsum=:{MD5}:, sha-256={SHA256}",), {}),
        ((f"Repr-Digest: sha-256=:{MD5}:",), {}),
        (("x-goog-hash: crc32c=yZRlqg==", f"x-goog-hash: md5={MD5}"), {"md5": MD5_HEX}),
        ((f"x-goog-hash: crc32c=yZRlqg==,md5={MD5}",), {"md5": MD5_HEX}),
        (("x-goog-hash: crc32c=yZRlqg==",), {}),
        ((f"x-goog-hash: md5={MD5}", "x-goog-stored-content-encoding: identity"),
         {"md5": MD5_HEX}),
        # The store decompresses it on its way.
        ((f"x-goog-hash: md5={MD5}", "x-goog-stored-content-encoding: gzip"), {}),
        ((f"x-amz-checksum-crc32: {CRC32}", "x-amz-checksum-type: FULL_OBJECT"),
         {"crc32": "0d4a1185"}),
        ((f"x-amz-checksum-sha256: {SHA256}", "x-amz-checksum-type: FULL_OBJECT"),
         {"sha256": SHA256_HEX}),
        # Of the checksums of its parts.
        ((f"x-amz-checksum-sha256: {SHA256}-3", "x-amz-checksum-type: COMPOSITE"), {}),
        ((f"x-amz-checksum-sha256: {SHA256}",), {}),
        # What is sent is not the file.
        ((f"Repr-Digest: sha-256=:{SHA256}:", "Content-Encoding: gzip"), {}),
    ],
)  # fmt: skip
def test_what_a_response_says_of_the_whole_file(
    fields: tuple[str, ...], wanted: dict[str, str]
) -> None:
    assert said(*fields) == wanted


def test_a_part_may_be_sent_with_the_digest_of_the_whole_but_content_md5_is_its_own() -> None:
    fields = f"Content-MD5: {MD5}", f"Repr-Digest: sha-256=:{SHA256}:"
    assert said(*fields, status=206) == {"sha256": SHA256_HEX}
