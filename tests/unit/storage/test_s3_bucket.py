"""What a store says, or fails to say, in our words: what may pass is told from what will not."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from packmule.errors import StorageAway, StorageFailed
from packmule.storage import s3_bucket
from packmule.storage.s3_bucket import Bucket, BucketAddress, Encryption
from packmule.storage.s3_reading import S3Bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR = "<Error><Code>%s</Code><Message>No.</Message></Error>"


class Store(BaseHTTPRequestHandler):
    """Says the same to whatever is asked."""

    protocol_version = "HTTP/1.1"
    status: ClassVar[int] = 200
    headers_too: ClassVar[dict[str, str]] = {}
    body: ClassVar[bytes] = b""
    length: ClassVar[int | None] = None

    def do_GET(self) -> None:
        self.send_response_only(self.status)
        for name, value in self.headers_too.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(self.length or len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)
        self.close_connection = self.length is not None

    do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - names there

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def saying(
    patch: pytest.MonkeyPatch,
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> Iterator[Bucket]:
    """Run a store that says this, and give a bucket of it."""
    told = {"status": status, "body": body, "headers_too": headers or {}, "length": length}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Store,), told)) as server:
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_address[1]}")
        patch.setenv("AWS_ACCESS_KEY_ID", "packmule")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "no secret")
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        patch.setattr(s3_bucket, "_TRIES", 1)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Bucket(BucketAddress("bucket"), Encryption())
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, ERROR % "InternalError"),
        (503, ERROR % "SlowDown"),
        (429, ERROR % "TooManyRequests"),
        (400, ERROR % "RequestTimeout"),
        (200, "<html>The proxy greets you.<br></html>"),
        (200, "<ListBucketResult><Contents>"),
    ],
)
def test_what_may_be_better_later_is_a_store_that_is_away(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str
) -> None:
    with saying(monkeypatch, status, body.encode()) as bucket, pytest.raises(StorageAway):
        bucket.find("0f/")


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (403, "AccessDenied", "docs/operations.md"),
        (403, "SomethingNew", "docs/operations.md"),
        (403, "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        (404, "NoSuchBucket", "PACKMULE_STORAGE_URL"),
        (400, "ExpiredToken", "renew"),
    ],
)
def test_what_an_operator_can_mend_is_waited_for_and_says_how(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, advice: str
) -> None:
    with (
        saying(monkeypatch, status, (ERROR % code).encode()) as bucket,
        pytest.raises(StorageAway, match=f"{code}; .*{advice}"),
    ):
        bucket.find("0f/")


@pytest.mark.parametrize("code", ["InvalidBucketName", "MalformedXML", "NotImplemented"])
def test_what_stays_refused_is_a_failure(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    with (
        saying(monkeypatch, 400, (ERROR % code).encode()) as bucket,
        pytest.raises(StorageFailed, match=code) as caught,
    ):
        bucket.find("0f/")
    assert not isinstance(caught.value, StorageAway)


def test_a_reason_of_any_length_becomes_a_short_and_printable_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = ERROR % ("x\u202e" * 20_000)
    with (
        saying(monkeypatch, 403, body.encode()) as bucket,
        pytest.raises(StorageFailed) as caught,
    ):
        bucket.find("0f/")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_answers_that_are_cut_again_and_again_are_a_store_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = {"Content-Range": "bytes 0-99/100", "ETag": '"e"'}
    with saying(monkeypatch, 206, b"", part, length=100) as bucket:
        reader = S3Bytes(bucket, "name", '"e"', redirect=False).open()
        with pytest.raises(StorageAway, match="cut"):
            reader.read(range(100), 100)


@pytest.mark.parametrize(
    ("status", "headers"), [(200, {}), (206, {"Content-Range": "bytes 0-99/200"})]
)
def test_other_bytes_than_were_asked_for_are_not_read(
    monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str]
) -> None:
    with saying(monkeypatch, status, bytes(100), headers | {"ETag": '"e"'}) as bucket:
        reader = S3Bytes(bucket, "name", '"e"', redirect=False).open()
        with pytest.raises(StorageFailed, match="other bytes"):
            reader.read(range(100, 200), 100)
