"""Sending files: by path where the server can, in pieces where it cannot, and no further."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from packmule.errors import StorageFailed
from packmule.storage.local import LocalBytes, LocalReader
from packmule.storage.page_cache_read import OpenFile
from packmule.web import sending
from packmule.web.sending import ArchiveSource, FileParts, WholeFile

if TYPE_CHECKING:
    from collections.abc import Iterator
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


def among_many(file: Path, response: Response, extensions: dict[str, Any]) -> list[Message]:
    """Give the messages of an answer that is sent beside eight others, which none takes."""
    messages: list[Message] = []

    async def serve() -> None:
        begun = asyncio.Semaphore(0)
        over = asyncio.Event()

        async def receive() -> Message:
            await over.wait()
            return {"type": "http.disconnect"}

        async def stand(message: Message) -> None:
            if message["type"] == "http.response.body":
                begun.release()
                await over.wait()

        async def send(message: Message) -> None:
            messages.append(message)
            await asyncio.sleep(0)

        part = range(2_500_000)
        others = [
            asyncio.ensure_future(
                FileParts(
                    ArchiveSource(LocalBytes(file)), 2_500_000, (part,), {}, "application/zip"
                )({"type": "http", "method": "GET"}, receive, stand)
            )
            for _ in range(8)
        ]
        for _ in others:
            await begun.acquire()
        scope = {"type": "http", "method": "GET", "extensions": extensions}
        await response(scope, receive, send)
        over.set()
        await asyncio.gather(*others)

    asyncio.run(serve())
    return messages


def test_among_many_a_whole_file_is_handed_over_by_its_path(file: Path) -> None:
    start, rest = among_many(
        file, WholeFile(ArchiveSource(LocalBytes(file)), 2_500_000, {}), PATHSEND
    )
    assert start["status"] == 200
    assert (b"content-length", b"2500000") in start["headers"]
    assert rest == {"type": "http.response.pathsend", "path": str(file)}


def test_among_few_it_goes_in_large_pieces_which_is_quicker(file: Path) -> None:
    messages = sent(WholeFile(ArchiveSource(LocalBytes(file)), 2_500_000, {}), extensions=PATHSEND)
    assert body(messages) == file.read_bytes()
    assert [len(message["body"]) for message in messages[1:3]] == [1024 * 1024] * 2


def test_among_many_a_piece_is_no_larger_than_the_client_is_known_to_take(file: Path) -> None:
    part = range(2_500_000)
    answer = FileParts(ArchiveSource(LocalBytes(file)), 2_500_000, (part,), {}, "application/zip")
    messages = among_many(file, answer, {})
    assert body(messages) == file.read_bytes()
    assert len(messages[1]["body"]) == 64 * 1024


def test_a_server_that_cannot_do_so_gets_the_bytes(file: Path) -> None:
    messages = sent(WholeFile(ArchiveSource(LocalBytes(file)), 2_500_000, {}))
    assert body(messages) == file.read_bytes()
    assert [message["more_body"] for message in messages[-2:]] == [True, False]


@pytest.mark.parametrize("extensions", [{}, PATHSEND])
def test_head_gets_no_byte(file: Path, extensions: dict[str, Any]) -> None:
    messages = sent(
        WholeFile(ArchiveSource(LocalBytes(file)), 2_500_000, {}),
        method="HEAD",
        extensions=extensions,
    )
    assert [message["type"] for message in messages] == [
        "http.response.start", "http.response.body",
    ]  # fmt: skip
    assert body(messages) == b""


def test_a_range_is_sent_to_the_byte(file: Path) -> None:
    part = range(123_456, 2_345_678)
    messages = sent(
        FileParts(ArchiveSource(LocalBytes(file)), 2_500_000, (part,), {}, "application/zip")
    )
    assert body(messages) == file.read_bytes()[part.start : part.stop]
    assert (b"content-range", b"bytes 123456-2345677/2500000") in messages[0]["headers"]


def test_the_length_of_several_ranges_is_told_beforehand(file: Path) -> None:
    parts = (range(5), range(100, 200), range(2_499_999, 2_500_000))
    messages = sent(
        FileParts(ArchiveSource(LocalBytes(file)), 2_500_000, parts, {}, "application/zip")
    )
    headers = dict(messages[0]["headers"])
    assert int(headers[b"content-length"]) == len(body(messages))
    boundary = headers[b"content-type"].partition(b"boundary=")[2]
    assert body(messages).count(b"--" + boundary) == len(parts) + 1
    assert body(messages).endswith(b"--" + boundary + b"--\r\n")


def test_two_answers_have_two_boundaries(file: Path) -> None:
    parts, source = (range(1), range(500, 501)), ArchiveSource(LocalBytes(file))
    kinds = {
        FileParts(source, 2_500_000, parts, {}, "application/zip").headers["content-type"]
        for _ in range(2)
    }
    assert len(kinds) == 2


def test_nothing_more_is_read_for_a_client_that_is_gone(file: Path) -> None:
    messages = sent(
        FileParts(
            ArchiveSource(LocalBytes(file)), 2_500_000, (range(2_500_000),), {}, "application/zip"
        ),
        gone_after=3,
    )
    assert len(messages) < 10
    assert len(body(messages)) < 2_500_000


def test_a_file_that_is_shorter_than_promised_is_an_error_and_not_a_short_answer(
    file: Path,
) -> None:
    with pytest.raises(ExceptionGroup) as error:
        sent(
            FileParts(
                ArchiveSource(LocalBytes(file)),
                3_000_000,
                (range(3_000_000),),
                {},
                "application/zip",
            )
        )
    assert isinstance(error.value.exceptions[0], OSError)


def test_a_file_that_is_not_there_is_an_error_before_any_promise(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        sent(
            FileParts(
                ArchiveSource(LocalBytes(tmp_path / "none")),
                10,
                (range(10),),
                {},
                "application/zip",
            )
        )


def test_pieces_grow_with_the_clients_speed_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(sending, "_under_way", set(range(9)))
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pace = sending._Pace()
    assert pace.piece() == 64 * 1024
    now += 10.0
    pace.sent = 50 * 10 * 200_000
    assert pace.piece() == 200_000
    pace.sent = 10**12
    assert pace.piece() == 4 * 1024 * 1024 // 9
    monkeypatch.setattr(sending, "_under_way", {1})
    assert pace.piece() == 2 * 1024 * 1024


@pytest.mark.parametrize("sent", [0, 10**12])
def test_eight_that_do_not_read_cost_no_more_than_four_megabytes_of_pieces(
    monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    pace = sending._Pace()
    pace.sent = sent
    for among in range(1, 9):
        monkeypatch.setattr(sending, "_under_way", set(range(among)))
        assert pace.piece() * among <= 4 * 1024 * 1024
        assert pace.piece() >= 512 * 1024


def test_the_pieces_of_all_together_are_bounded_until_each_has_the_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace = sending._Pace()
    pace.sent = 10**12
    for among in (9, 20, 50, 64):
        monkeypatch.setattr(sending, "_under_way", set(range(among)))
        assert pace.piece() * among <= 4 * 1024 * 1024
    monkeypatch.setattr(sending, "_under_way", set(range(500)))
    assert pace.piece() == 64 * 1024


@pytest.fixture
def at_hand(file: Path) -> Iterator[ArchiveSource]:
    """Give the file as it is while it is held open: just written, so all of it in memory."""
    held = OpenFile(file)
    yield ArchiveSource(Unopened(file), held)
    held.close()


class Unopened(LocalBytes):
    """Bytes that nobody may open a second time."""

    def open(self) -> LocalReader:
        raise AssertionError("opened, though all that is asked for is at hand")


def test_a_range_that_is_at_hand_goes_in_one_piece_with_no_file_opened(
    file: Path, at_hand: ArchiveSource
) -> None:
    part = range(1_000_000, 1_500_000)
    messages = sent(FileParts(at_hand, 2_500_000, (part,), {}, "application/zip"))
    assert body(messages) == file.read_bytes()[part.start : part.stop]
    assert [message.get("more_body") for message in messages] == [None, False]


def test_of_a_longer_range_the_beginning_is_at_hand_and_the_rest_is_read(
    file: Path, at_hand: ArchiveSource
) -> None:
    source = ArchiveSource(LocalBytes(file), at_hand.file)
    part = range(1, 2_400_000)
    messages = sent(FileParts(source, 2_500_000, (part,), {}, "application/zip"))
    assert body(messages) == file.read_bytes()[part.start : part.stop]
    assert len(messages[1]["body"]) == 1024 * 1024


def test_where_nothing_is_at_hand_any_more_it_is_read(file: Path, at_hand: ArchiveSource) -> None:
    assert at_hand.file is not None
    at_hand.file.close()
    source = ArchiveSource(LocalBytes(file), at_hand.file)
    messages = sent(FileParts(source, 2_500_000, (range(10, 20),), {}, "application/zip"))
    assert body(messages) == file.read_bytes()[10:20]


def test_an_archive_that_cannot_be_opened_is_told_before_the_beginning_at_hand_is_sent(
    tmp_path: Path, at_hand: ArchiveSource
) -> None:
    source = ArchiveSource(LocalBytes(tmp_path / "none"), at_hand.file)
    with pytest.raises(StorageFailed):
        sent(WholeFile(source, 2_500_000, {}))
