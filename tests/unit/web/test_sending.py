"""Sending files: by path where the server can, in pieces where it cannot, and no further."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from packmule.errors import StorageFailed
from packmule.storage.local import LocalBytes
from packmule.web import sending
from packmule.web.sending import FileParts, WholeFile

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.responses import Response
    from starlette.types import Message

PATHSEND: dict[str, Any] = {"http.response.pathsend": {}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file of two and a half million different bytes."""
    path = tmp_path / "archive.zip"
    path.write_bytes(bytes(range(250)) * 10_000)
    return path


def sent(
    response: Response,
    *,
    method: str = "GET",
    extensions: dict[str, Any] | None = None,
    gone_after: int | None = None,
) -> list[Message]:
    """Give the messages a server would get; the client is gone after so many."""
    messages: list[Message] = []

    async def serve() -> None:
        gone = asyncio.Event()

        async def receive() -> Message:
            if gone_after is None:
                await asyncio.sleep(3600)
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            messages.append(message)
            if len(messages) == gone_after:
                gone.set()
            await asyncio.sleep(0)

        scope = {"type": "http", "method": method, "extensions": extensions or {}}
        await response(scope, receive, send)

    asyncio.run(serve())
    return messages


def body(messages: list[Message]) -> bytes:
    return b"".join(message["body"] for message in messages[1:])


def test_a_whole_file_is_handed_over_by_its_path(file: Path) -> None:
    start, rest = sent(WholeFile(LocalBytes(file), 2_500_000, {}), extensions=PATHSEND)
    assert start["status"] == 200
    assert (b"content-length", b"2500000") in start["headers"]
    assert rest == {"type": "http.response.pathsend", "path": str(file)}


def test_a_server_that_cannot_do_so_gets_the_bytes(file: Path) -> None:
    messages = sent(WholeFile(LocalBytes(file), 2_500_000, {}))
    assert body(messages) == file.read_bytes()
    assert [message["more_body"] for message in messages[-2:]] == [True, False]


@pytest.mark.parametrize("extensions", [{}, PATHSEND])
def test_head_gets_no_byte(file: Path, extensions: dict[str, Any]) -> None:
    messages = sent(
        WholeFile(LocalBytes(file), 2_500_000, {}), method="HEAD", extensions=extensions
    )
    assert [message["type"] for message in messages] == [
        "http.response.start", "http.response.body",
    ]  # fmt: skip
    assert body(messages) == b""


def test_a_range_is_sent_to_the_byte(file: Path) -> None:
    part = range(123_456, 2_345_678)
    messages = sent(FileParts(LocalBytes(file), 2_500_000, (part,), {}, "application/zip"))
    assert body(messages) == file.read_bytes()[part.start : part.stop]
    assert (b"content-range", b"bytes 123456-2345677/2500000") in messages[0]["headers"]


def test_the_length_of_several_ranges_is_told_beforehand(file: Path) -> None:
    parts = (range(5), range(100, 200), range(2_499_999, 2_500_000))
    messages = sent(FileParts(LocalBytes(file), 2_500_000, parts, {}, "application/zip"))
    headers = dict(messages[0]["headers"])
    assert int(headers[b"content-length"]) == len(body(messages))
    boundary = headers[b"content-type"].partition(b"boundary=")[2]
    assert body(messages).count(b"--" + boundary) == len(parts) + 1
    assert body(messages).endswith(b"--" + boundary + b"--\r\n")


def test_two_answers_have_two_boundaries(file: Path) -> None:
    parts = (range(1), range(500, 501))
    kinds = {
        FileParts(LocalBytes(file), 2_500_000, parts, {}, "application/zip").headers["content-type"]
        for _ in range(2)
    }
    assert len(kinds) == 2


def test_nothing_more_is_read_for_a_client_that_is_gone(file: Path) -> None:
    messages = sent(
        FileParts(LocalBytes(file), 2_500_000, (range(2_500_000),), {}, "application/zip"),
        gone_after=3,
    )
    assert len(messages) < 10
    assert len(body(messages)) < 2_500_000


def test_a_file_that_is_shorter_than_promised_is_an_error_and_not_a_short_answer(
    file: Path,
) -> None:
    with pytest.raises(ExceptionGroup) as error:
        sent(FileParts(LocalBytes(file), 3_000_000, (range(3_000_000),), {}, "application/zip"))
    assert isinstance(error.value.exceptions[0], OSError)


def test_a_file_that_is_not_there_is_an_error_before_any_promise(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        sent(FileParts(LocalBytes(tmp_path / "none"), 10, (range(10),), {}, "application/zip"))


def test_pieces_grow_with_the_clients_speed_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pace = sending._Pace()
    assert pace.piece() == 64 * 1024
    now += 10.0
    pace.sent = 50 * 10 * 200_000
    assert pace.piece() == 200_000
    pace.sent = 10**12
    assert pace.piece() == 1024 * 1024
