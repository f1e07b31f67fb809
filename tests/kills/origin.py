"""An origin on loopback whose bodies are known, paced, held back, cut and counted as a test wants.

It answers Range and If-Range as RFC 9110 has it unless told otherwise, and counts each byte of a
body that it has sent: what was fetched twice is told from that. One thread, one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kills.bodies import Body


A_MONDAY = 1_767_600_000.0  # 2026-01-05
_PIECES_A_SECOND = 50
_LEAST_PIECE = 4096
_SEND_BUFFER = 256 * 1024


@dataclass(slots=True)
class Thing:
    """What a path answers. `rate` in bytes a second, `latency` in seconds before the head.

    `announced`: whether the length is told. `cut_at`: the connection ends before that byte.
    `hold_at`: no byte from there on is sent until `held` is set. `lies`: fields of a 206 that are
    not true.
    """

    body: Body
    rate: float | None = None
    latency: float = 0.0
    etag: str | None = ""
    modified_at: float | None = A_MONDAY
    status: int = 200
    ranges: bool = True
    announced: bool = True
    cut_at: int | None = None
    hold_at: int | None = None
    held: threading.Event = field(default_factory=threading.Event)
    lies: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    asked: list[str | None] = field(default_factory=list)
    """The Range of each request, None for the whole."""

    def __post_init__(self) -> None:
        if self.etag == "":
            self.etag = f'"{self.body.seed:x}-{self.body.size:x}"'

    @property
    def validators(self) -> dict[str, str]:
        """The fields that tell this version from another."""
        fields = {} if self.etag is None else {"ETag": self.etag}
        if self.modified_at is not None:
            fields["Last-Modified"] = formatdate(self.modified_at, usegmt=True)
        return fields


class Origin:
    """The origin; use it as a context, or `close` it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.things: dict[str, Thing] = {}
        self.host = host
        self._listening = socket.create_server((host, 0), backlog=512)
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="origin", daemon=True)
        self._thread.start()

    def put(self, path: str, thing: Thing) -> str:
        """Have a path answer with a thing, and give its URL."""
        self.things[path] = thing
        return self.url(path)

    def url(self, path: str) -> str:
        """Give the URL of a path."""
        return f"http://{self.host}:{self.port}{path}"

    def close(self) -> None:
        """Stop, and cut what is under way."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        accepting = self._loop.create_task(self._accept())
        self._loop.run_forever()
        tasks = [accepting, *self._connections]
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()
        self._listening.close()

    async def _accept(self) -> None:
        while True:
            connection, _ = await self._loop.sock_accept(self._listening)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # What was sent to a client that was killed counts as fetched: let that be little.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            task = self._loop.create_task(self._serve(connection))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _serve(self, connection: socket.socket) -> None:
        """Answer requests, one after another, until either side ends it."""
        received = b""
        with connection, contextlib.suppress(OSError):
            while True:
                while b"\r\n\r\n" not in received:
                    more = await self._loop.sock_recv(connection, 65_536)
                    if not more:
                        return
                    received += more
                head, _, received = received.partition(b"\r\n\r\n")
                if not await self._answer(connection, head.decode("latin-1")):
                    return

    async def _answer(self, connection: socket.socket, head: str) -> bool:
        """Answer one request; False where the connection is to end with it."""
        request, *lines = head.split("\r\n")
        path = request.split()[1].partition("?")[0]
        fields = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        thing = self.things.get(path)
        if thing is None or thing.status != 200:
            status = 404 if thing is None else thing.status
            await self._send(connection, status, {"Content-Length": "0"})
            return True
        thing.asked.append(fields.get("range"))
        await asyncio.sleep(thing.latency)
        size = thing.body.size
        part = _part(thing, fields)
        if part is not None and not part:
            none = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
            await self._send(connection, 416, none)
            return True
        kind = "text/plain" if thing.body.words else "application/octet-stream"
        answer = {"Content-Type": kind, **thing.validators}
        if thing.ranges:
            answer["Accept-Ranges"] = "bytes"
        if thing.announced:
            answer["Content-Length"] = str(size if part is None else len(part))
        if part is not None:
            answer["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
            answer |= thing.lies
        await self._send(connection, 200 if part is None else 206, answer)
        return await self._send_body(connection, thing, range(size) if part is None else part)

    async def _send(self, connection: socket.socket, status: int, fields: dict[str, str]) -> None:
        if "Content-Length" not in fields:
            fields["Connection"] = "close"
        lines = [f"HTTP/1.1 {status} .", *(f"{name}: {value}" for name, value in fields.items())]
        await self._loop.sock_sendall(connection, "\r\n".join([*lines, "", ""]).encode())

    async def _send_body(self, connection: socket.socket, thing: Thing, part: range) -> bool:
        """Send a part at the thing's pace; tell whether all was sent and its end is known."""
        begun, at = self._loop.time(), part.start
        stop = min(part.stop, thing.cut_at) if thing.cut_at is not None else part.stop
        most = 1 << 20 if thing.rate is None else int(thing.rate / _PIECES_A_SECOND) + _LEAST_PIECE
        while at < stop:
            before = stop
            if thing.hold_at is not None and not thing.held.is_set():
                before = min(stop, thing.hold_at)
                if at >= before:
                    await asyncio.sleep(0.01)
                    continue
            piece = thing.body.piece(at, min(most, before - at))
            await self._loop.sock_sendall(connection, piece)
            at += len(piece)
            thing.sent += len(piece)
            if thing.rate is not None:
                due = begun + (at - part.start) / thing.rate
                await asyncio.sleep(max(0.0, due - self._loop.time()))
        return at == part.stop and thing.announced


def _part(thing: Thing, fields: dict[str, str]) -> range | None:
    """Read Range and If-Range: None for the whole, empty for what cannot be satisfied."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", fields.get("range", ""))
    condition = fields.get("if-range")
    if found is None or not thing.ranges:
        return None
    if not thing.lies and condition is not None and condition not in thing.validators.values():
        return None
    last = int(found[2]) + 1 if found[2] else thing.body.size
    return range(int(found[1]), min(last, thing.body.size))


def sent(things: list[Thing], *, of: Callable[[Thing], int] = lambda thing: thing.sent) -> int:
    """Add up how many bytes of bodies were sent."""
    return sum(map(of, things))
