"""The two forms of the client are one: same methods, same arguments, same border to httpx."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fakes.either_client import KINDS, EitherClient

from packmule.client import (
    APIStatusError,
    AsyncClient,
    Client,
    ConnectionError,
    arrival,
    transport,
)
from packmule.client.part_file import PartFile
from packmule.client.transport import network_fault

if TYPE_CHECKING:
    from pathlib import Path

HASH = "0123456789abcdef0123456789abcdef"


def methods(of: type) -> dict[str, list[str]]:
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in inspect.getmembers(of, inspect.isfunction)
        if not name.startswith("_") and name not in {"close", "aclose"}
    }


def test_both_forms_have_the_same_methods_with_the_same_arguments() -> None:
    assert methods(Client) == methods(AsyncClient)
    assert len(methods(Client)) >= 9
    arguments = [
        list(inspect.signature(each.__init__).parameters) for each in (Client, AsyncClient)
    ]
    assert arguments[0] == arguments[1]


def own_http(kind: str, answer: object) -> httpx.Client | httpx.AsyncClient:
    transport = httpx.MockTransport(answer)  # type: ignore[arg-type]
    if kind == "sync":
        return httpx.Client(transport=transport)
    return httpx.AsyncClient(transport=transport)


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_of_ones_own_is_used_and_the_key_is_sent(kind: str) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"status": "cancelled"})

    http = own_http(kind, answer)
    client = EitherClient(kind, "http://x/below/", api_key="secret", http=http)
    assert client.status(HASH).status == "cancelled"
    assert str(asked[0].url) == f"http://x/below/api/archive/status/{HASH}"
    assert asked[0].headers["Authorization"] == "Bearer secret"
    assert asked[0].headers["User-Agent"].startswith("packmule/")


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_without_end_is_not_held(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_DOCUMENT_BYTES", 10)
    http = own_http(kind, lambda _: httpx.Response(200, content=b"x" * 11))
    with pytest.raises(ConnectionError, match="longer than"):
        EitherClient(kind, "http://x", http=http, request_timeout=0.1).status(HASH)


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_does_not_follow_redirects(kind: str) -> None:
    http = own_http(kind, lambda _: httpx.Response(308, headers={"Location": "http://y/"}))
    with pytest.raises(Exception, match="use http://y/"):
        EitherClient(kind, "http://x", http=http).status(HASH)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_does_not_follow_a_download_to_another_host(kind: str, tmp_path: object) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.host == "x":
            return httpx.Response(302, headers={"Location": "http://bucket/a.zip"})
        return httpx.Response(403, json={"code": "denied", "detail": "no"})

    client = EitherClient(kind, "http://x", api_key="secret", http=own_http(kind, answer))
    with pytest.raises(APIStatusError):
        client.download(HASH, f"{tmp_path}/a.zip")
    assert [each.headers.get("Authorization") for each in asked] == ["Bearer secret", None]


CONTENT = bytes(range(256)) * 40


def send_parts(request: httpx.Request) -> httpx.Response:
    headers = {"ETag": '"a"', "Content-Type": "application/zip", "Accept-Ranges": "bytes"}
    asked = request.headers.get("Range")
    start, end = 0, len(CONTENT)
    if asked is not None:
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), int(last or end - 1) + 1
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(CONTENT)}"
    headers["Content-Length"] = str(end - start)
    body = httpx.ByteStream(CONTENT[start:end])
    return httpx.Response(200 if asked is None else 206, headers=headers, stream=body)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_received_in_parts_at_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "LEAST_SEGMENT", 1000)
    asked: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("Range"))
        return send_parts(request)

    client = EitherClient(kind, "http://x", http=own_http(kind, answer))
    told: list[int] = []
    client.download(HASH, tmp_path / "a.zip", on_bytes=lambda far, _: told.append(far))
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert len(asked) > 1
    assert told == sorted(told)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("broken_from", [0, 6000])
def test_a_disk_that_fails_one_of_several_transfers_ends_the_download(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_from: int
) -> None:
    write = PartFile.write

    def broken(part: PartFile, at: int, piece: bytes) -> None:
        if at >= broken_from:
            raise OSError("no space")
        write(part, at, piece)

    monkeypatch.setattr(arrival, "LEAST_SEGMENT", 1000)
    monkeypatch.setattr(PartFile, "write", broken)
    client = EitherClient(kind, "http://x", http=own_http(kind, send_parts))
    with pytest.raises(OSError, match="no space"):
        client.download(HASH, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize(
    ("error", "said", "sent"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), "Connection refused", False),
        (httpx.ConnectTimeout(""), "connecting timed out", False),
        (httpx.ReadTimeout(""), "the response timed out", True),
        (httpx.ReadError(""), "was lost", True),
        (httpx.RemoteProtocolError("peer closed"), "peer closed", True),
        (httpx.UnsupportedProtocol(""), "UnsupportedProtocol", True),
    ],
)
def test_what_failed_is_said_and_whether_it_was_sent(
    error: Exception, said: str, *, sent: bool
) -> None:
    fault = network_fault(error)
    assert said in fault.detail
    assert "Errno" not in fault.detail
    assert fault.sent is sent
