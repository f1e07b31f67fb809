"""A proxy for one port of loopback that cuts connections at random, as bad networks do.

Owns passing bytes both ways and where they are cut: a connection's answer is let through up to a
number of bytes drawn from a seed, then ended, half of the time as if the other side had closed it
and half of the time reset. It knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from typing import Self

PIECE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)  # linger for no time at all: close() resets


class Cutter:
    """The proxy before `port`; use it as a context.

    Every connection is cut after `least` to `most` bytes of answers, so that what is larger than
    `most` arrives only where it is continued. Kinds of cuts are `closed` and `reset`.
    """

    def __init__(
        self,
        port: int,
        seed: int,
        *,
        least: int,
        most: int,
        kinds: tuple[str, ...] = ("closed", "reset"),
    ) -> None:
        self.cuts = 0
        self._to = port
        self._chance = random.Random(seed)
        self._bounds = (least, most)
        self._kinds = kinds
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listening.getsockname()[1]
        self._stopped = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._serve(),), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        self._listening.setblocking(False)
        connections: set[asyncio.Task[None]] = set()
        accepting = asyncio.create_task(self._accept(connections))
        await self._stopped.wait()
        for task in [accepting, *connections]:
            task.cancel()
        await asyncio.gather(accepting, *connections, return_exceptions=True)
        self._listening.close()

    async def _accept(self, connections: set[asyncio.Task[None]]) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listening)
            client.setblocking(False)
            task = self._loop.create_task(self._pass(client))
            connections.add(task)
            task.add_done_callback(connections.discard)

    async def _pass(self, client: socket.socket) -> None:
        """Pass one connection on, until an end or the cut."""
        allowed = self._chance.randint(*self._bounds)
        kind = self._chance.choice(self._kinds)
        with client, socket.socket() as server:
            server.setblocking(False)
            with contextlib.suppress(OSError):
                await self._loop.sock_connect(server, ("127.0.0.1", self._to))
                asked = self._loop.create_task(self._requests(client, server))
                try:
                    if await self._answers(server, client, allowed):
                        self.cuts += 1
                        if kind == "reset":
                            # A reset takes with it what the client has not read yet.
                            await asyncio.sleep(0.05)
                            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                finally:
                    asked.cancel()
                    await asyncio.gather(asked, return_exceptions=True)

    async def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := await self._loop.sock_recv(client, PIECE):
                await self._loop.sock_sendall(server, piece)
            server.shutdown(socket.SHUT_WR)

    async def _answers(self, server: socket.socket, client: socket.socket, allowed: int) -> bool:
        """Pass answers on; tell whether they were cut."""
        passed = 0
        while passed < allowed:
            piece = await self._loop.sock_recv(server, min(PIECE, allowed - passed))
            if not piece:
                return False
            await self._loop.sock_sendall(client, piece)
            passed += len(piece)
        return True
