"""One who follows a job by its events, over the application in memory."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.jobs import PUBLISHED, checkpoint, done

from packmule.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.web.conftest import App

    from packmule.jobs.model import Run


@dataclass(slots=True)
class Reader:
    """One who follows a job; `then` are called, each after one more piece was taken."""

    app: App
    hash: str
    then: list[Callable[[], object]] = field(default_factory=list)
    last: str | None = None
    query: str = ""
    key: str | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    hangs_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, application: Any = None) -> None:
        """Follow until the stream ends, or `hangs_up`."""
        path = f"/api/archive/events/{self.hash}"
        headers = [(b"host", b"localhost")]
        if self.last is not None:
            headers.append((b"last-event-id", self.last.encode()))
        if self.key is not None:
            headers.append((b"authorization", f"Bearer {self.key}".encode()))
        scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
            "query_string": self.query.encode(), "headers": headers, "client": ("127.0.0.1", 4711),
            "server": ("test", 80), "scheme": "http", "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await self.hangs_up.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {n.decode(): v.decode() for n, v in message["headers"]}
            elif message.get("body"):
                self.pieces.append(message["body"].decode())
                if self.then:
                    await asyncio.to_thread(self.then.pop(0))

        await (application or create_app(self.app.services))(scope, receive, send)

    def told(self) -> list[tuple[str, str, Any]]:
        """List id, name and data of all events."""
        found = []
        for piece in self.pieces:
            if piece.startswith("id:"):
                lines = dict(line.split(": ", 1) for line in piece.strip().split("\n"))
                found.append((lines["id"], lines["event"], json.loads(lines["data"])))
        return found

    def events(self) -> list[tuple[int, str, Any]]:
        """List them where none is of files."""
        return [(int(number), name, data) for number, name, data in self.told()]

    def names(self) -> list[str]:
        return [name for _, name, _ in self.told()]


def follow(
    app: App,
    hash_: str,
    *then: Callable[[], object],
    last: object = None,
    query: str = "",
    key: str | None = None,
) -> Reader:
    """Follow a job until its stream ends; `then` are called as `Reader` says."""

    async def run() -> Reader:
        told = None if last is None else str(last)
        reader = Reader(app, hash_, list(then), told, query, key)
        await reader.read()
        return reader

    return asyncio.run(run())


def nothing() -> None:
    """Let one piece pass."""


def completing(app: App, run: Run) -> Callable[[], object]:
    return lambda: app.services.store.complete(run.fence, PUBLISHED, checkpoint(done()))


def moving(app: App, run: Run) -> Callable[[], object]:
    return lambda: app.services.store.checkpoint(run.fence, checkpoint(done()))
