"""A TCP relay before a server, which can go away and come back: a restart as clients see it.

Owns passing bytes both ways, and being away: every connection is reset, and none is taken, while
the server behind it keeps what it has. So a server that forgets all when it ends can be restarted.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

_PIECE = 256 * 1024
_RESET = struct.pack("ii", 1, 0)  # linger for no time at all: close() resets


class Relay:
    """The relay from a port of `host`, which stays the same, to one of 127.0.0.1; a context."""

    def __init__(self, host: str, to_port: int) -> None:
        self._to = to_port
        self._listening: socket.socket | None = socket.create_server((host, 0), backlog=512)
        self.address: tuple[str, int] = self._listening.getsockname()
        self._connections: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    @property
    def port(self) -> int:
        """The port where it listens."""
        return self.address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._come())
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Go away: reset every connection, and take none."""
        self._do(self._go())

    def mend(self) -> None:
        """Come back."""
        self._do(self._come())

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    async def _come(self) -> None:
        if self._accepting is None:
            if self._listening is None:
                self._listening = socket.create_server(self.address, backlog=512)
            self._listening.setblocking(False)
            self._accepting = self._loop.create_task(self._accept(self._listening))

    async def _go(self) -> None:
        tasks = [*self._connections]
        if self._accepting is not None:
            tasks.append(self._accepting)
        self._accepting = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            near, _ = await self._loop.sock_accept(listening)
            near.setblocking(False)
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._serve(near))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _serve(self, near: socket.socket) -> None:
        """Pass one connection on until both sides have ended it, or it is cut."""
        with near, socket.socket() as far:
            far.setblocking(False)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                await self._join(near, far)
            except asyncio.CancelledError:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                raise

    async def _join(self, near: socket.socket, far: socket.socket) -> None:
        try:
            await self._loop.sock_connect(far, ("127.0.0.1", self._to))
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(near, far))
                both.create_task(self._pass(far, near))
        except* OSError:
            pass  # either side has gone, and so the other goes

    async def _pass(self, source: socket.socket, to: socket.socket) -> None:
        while piece := await self._loop.sock_recv(source, _PIECE):
            await self._loop.sock_sendall(to, piece)
        to.shutdown(socket.SHUT_WR)
