"""An origin for tens of thousands of small jobs, and for sources that drip; on loopback.

One thread, one event loop, nothing parsed but the path: what it costs is taken from the service it
is to load. Counts how often each path was asked for: what was done twice is told from that.

    /small/N    the body number N, at once
    /drip/N     a body without end, just quick enough not to be cut as stalled
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from typing import Self

from tests.kills.bodies import Body

DRIP_RATE = 2_000
"""Bytes a second: above what is cut as stalled, and hardly anything."""

_DRIP_HOSTS = 125
_DRIP_SIZE = 100_000_000
_DRIP_EVERY = 1.0


def small(number: int) -> Body:
    """Give the body number N."""
    return Body(number, 1_000 + 37 * number % 9_000)


class Origin:
    """The origin; use it as a context."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.connections: set[_Connection] = set()
        self.dripping: set[_Connection] = set()
        self.port = 0
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="origin", daemon=True)

    def __enter__(self) -> Self:
        self._listen("127.0.0.1")
        for host in range(1, 1 + _DRIP_HOSTS):
            self._listen(f"127.0.1.{host}")
        self._loop.call_soon(self._drip)
        self._thread.start()
        return self

    def _listen(self, host: str) -> None:
        listening = socket.create_server((host, self.port), backlog=512)
        self.port = listening.getsockname()[1]
        made = self._loop.create_server(lambda: _Connection(self), sock=listening)
        self._servers.append(self._loop.run_until_complete(made))

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._hang_up())
        self._loop.close()

    async def _hang_up(self) -> None:
        for server in self._servers:
            server.close()
        for connection in self.connections:
            connection.abort()
        await asyncio.sleep(0.05)  # what was closed is gone after the loop's next turns

    def small(self, number: int) -> str:
        """Give the URL of the body number N."""
        return f"http://127.0.0.1:{self.port}/small/{number}"

    def drip(self, number: int) -> str:
        """Give the URL of a body that drips; they are spread over many hosts."""
        return f"http://127.0.1.{1 + number % _DRIP_HOSTS}:{self.port}/drip/{number}"

    def _drip(self) -> None:
        """Let a drop fall from all that drip."""
        for connection in self.dripping:
            connection.write(bytes(int(DRIP_RATE * _DRIP_EVERY)))
        self._loop.call_later(_DRIP_EVERY, self._drip)


class _Connection(asyncio.Protocol):
    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._origin.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._origin.connections.discard(self)
        self._origin.dripping.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._answer(head.split(b" ", 2)[1].decode("ascii"))

    def _answer(self, path: str) -> None:
        self._origin.asked[path] += 1
        _, kind, number = path.split("/")
        if kind == "drip":
            self.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % _DRIP_SIZE)
            self._origin.dripping.add(self)
            return
        body = small(int(number)).read()
        self.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def write(self, data: bytes) -> None:
        """Send something."""
        self._transport.write(data)

    def abort(self) -> None:
        """Hang up at once."""
        self._transport.abort()
