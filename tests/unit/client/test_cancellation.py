"""A cancelled download leaves the disk alone before it ends, and never a wrong archive."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from packmule.client import AsyncClient, DownloadFailed, arrival
from packmule.client.part_file import PartFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

HASH = "0123456789abcdef0123456789abcdef"
CONTENT = bytes(range(256)) * 40
PATIENCE = 60.0


def answer(request: httpx.Request) -> httpx.Response:
    """Answer as a server with ranges does, in pieces of a kilobyte."""
    size = len(CONTENT)
    headers = {"ETag": '"a"', "Content-Type": "application/zip", "Accept-Ranges": "bytes"}
    asked = request.headers.get("Range")
    start, last = 0, size - 1
    if asked is not None:
        first, _, end = asked.removeprefix("bytes=").partition("-")
        start, last = int(first), int(end or last)
        headers["Content-Range"] = f"bytes {start}-{last}/{size}"
    headers["Content-Length"] = str(last + 1 - start)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(start, last + 1, 1000):
            yield CONTENT[at : min(at + 1000, last + 1)]

    return httpx.Response(200 if asked is None else 206, headers=headers, content=pieces())


def a_client() -> AsyncClient:
    return AsyncClient("http://x", http=httpx.AsyncClient(transport=httpx.MockTransport(answer)))


class HeldCall:
    """Holds the first call of a function of `os` until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self._real: Callable[..., object] = getattr(os, name)
        self._calls = 0
        self.begun = threading.Event()
        self.let_go = threading.Event()
        monkeypatch.setattr(os, name, self)

    def __call__(self, *given: object, **named: object) -> object:
        self._calls += 1
        if self._calls == 1:
            self.begun.set()
            assert self.let_go.wait(PATIENCE)
        return self._real(*given, **named)


async def spin(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0.002)


@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize("cancels", [1, 3])
def test_a_cancelled_download_ends_only_after_its_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, cancels: int
) -> None:
    async def scenario() -> None:
        held = HeldCall(monkeypatch, name)
        task = asyncio.create_task(a_client().download(HASH, tmp_path / "a.zip"))
        assert await asyncio.to_thread(held.begun.wait, PATIENCE)
        for _ in range(cancels):
            task.cancel()
            await spin(10)
        assert not task.done()
        with pytest.raises(DownloadFailed, match="Another download"):
            await a_client().download(HASH, tmp_path / "a.zip")
        held.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await a_client().download(HASH, tmp_path / "a.zip")

    asyncio.run(scenario())
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_download_cancelled_while_it_opens_its_file_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        held = HeldCall(monkeypatch, "open")
        task = asyncio.create_task(a_client().download(HASH, tmp_path / "a.zip"))
        assert await asyncio.to_thread(held.begun.wait, PATIENCE)
        task.cancel()
        await spin(10)
        held.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert os.listdir(tmp_path) == []  # noqa: PTH208  # in a coroutine
        await a_client().download(HASH, tmp_path / "a.zip")

    asyncio.run(scenario())
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("least", [len(CONTENT), 500])
def test_cancelled_at_whatever_point_it_leaves_a_right_archive_or_a_right_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int
) -> None:
    monkeypatch.setattr(arrival, "LEAST_SEGMENT", least)
    path = tmp_path / "a.zip"

    async def cancelled_after(turns: int) -> bool:
        task = asyncio.create_task(a_client().download(HASH, path))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
            return True
        return False

    async def scenario() -> None:
        for turns in range(0, 300, 5):
            whole = await cancelled_after(turns)
            assert path.exists() or not whole
            if path.exists():
                assert path.read_bytes() == CONTENT
                path.unlink()
            part = PartFile(path, HASH)
            part.open(resume=True)
            ranges = part.held.ranges
            part.close()
            for start, end in ranges:
                kept = (tmp_path / "a.zip.part").read_bytes()
                assert kept[start:end] == CONTENT[start:end]
        await a_client().download(HASH, path)

    asyncio.run(scenario())
    assert path.read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]
