"""Many downloads at once, each cut again and again, and what they cost the API in memory.

Owns one client: it downloads whole or from somewhere in the middle, resets its connection at
random, and goes on from there until it has every byte. What it receives is compared with the
archive at once and kept nowhere. All wait for each other with an answer begun, so that they are
really under way at once.
"""

from __future__ import annotations

import asyncio
import mmap
import random
import socket
import struct
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.downloads.served import Served

PIECE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)  # linger for no time at all: close() resets


@dataclass(frozen=True, slots=True)
class Crowd:
    """How it went; `growth` is by how many bytes the API's own memory grew at most."""

    asked: int
    faults: list[str]
    at_once: int
    cuts: int
    growth: int

    @property
    def right(self) -> int:
        """How many ended with the archive's very bytes."""
        return self.asked - len(self.faults)


def gather(served: Served, count: int, seed: int = 1) -> Crowd:
    """Make so many downloads at once."""
    return asyncio.run(_Gathering(served, count, seed).run())


class _Gathering:
    def __init__(self, served: Served, count: int, seed: int) -> None:
        self._served = served
        self._count = count
        self._seed = seed
        self._api = _api(served)
        self._begun = 0
        self._cuts = 0
        self._most = 0
        self._all_there = asyncio.Event()

    async def run(self) -> Crowd:
        """Make the downloads, and look at the memory meanwhile."""
        before = _own_memory(self._api)
        with (
            self._served.file.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as archive,
        ):
            watching = asyncio.create_task(self._watch())
            found = await asyncio.gather(
                *(self._download(number, archive) for number in range(self._count)),
                return_exceptions=True,
            )
            watching.cancel()
        faults = [f"download {number}: {error!r}" for number, error in enumerate(found) if error]
        return Crowd(self._count, faults, self._begun, self._cuts, self._most - before)

    async def _watch(self) -> None:
        while True:
            self._most = max(self._most, _own_memory(self._api))
            await asyncio.sleep(0.2)

    async def _download(self, number: int, archive: mmap.mmap) -> None:
        """Download until all is there. Raises AssertionError where a byte is wrong."""
        chance = random.Random(f"{self._seed}-{number}")
        size = len(archive)
        # Half of them begin somewhere in the middle: whole files and ranges at once.
        at = chance.randrange(1, size // 2) if number % 2 else 0
        begun = False
        while at < size:
            stop = at + chance.randint(1, size)
            async with aclosing(self._answer(at)) as pieces:
                async for piece in pieces:
                    # By slices of the map: a view of it would keep it from being closed.
                    assert archive[at : at + len(piece)] == piece, f"wrong after {at}"
                    at += len(piece)
                    if not begun:
                        begun = True
                        await self._wait_for_all()
                    if stop <= at < size:
                        self._cuts += 1
                        break
                else:
                    assert at == size, f"{at} bytes of {size}"

    async def _wait_for_all(self) -> None:
        self._begun += 1
        if self._begun == self._count:
            # A while in which nobody reads, so that whatever the API would hold, it holds.
            await asyncio.sleep(1.0)
            self._all_there.set()
        await self._all_there.wait()

    async def _answer(self, at: int) -> AsyncGenerator[memoryview]:
        """Ask for the rest, whole where nothing is there yet; a piece is good until the next."""
        loop = asyncio.get_running_loop()
        with socket.socket() as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            await loop.sock_connect(connection, ("127.0.0.1", self._served.service.port))
            wanted = f"Range: bytes={at}-\r\n" if at else ""
            await loop.sock_sendall(
                connection,
                f"GET {self._served.path} HTTP/1.1\r\nHost: localhost\r\n{wanted}"
                "Connection: close\r\n\r\n".encode(),
            )
            head = b""
            while b"\r\n\r\n" not in head:
                more = await loop.sock_recv(connection, PIECE)
                assert more, f"no answer: {head!r}"
                head += more
            head, _, rest = head.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 206 " if at else b"HTTP/1.1 200 "), head
            yield memoryview(rest)
            buffer = memoryview(bytearray(PIECE))
            while got := await loop.sock_recv_into(connection, buffer):
                yield buffer[:got]
                # What has come already is given without a turn of the loop: the others would wait
                # with their requests longer than the server waits for a head.
                await asyncio.sleep(0)


def _api(served: Served) -> int:
    """Find the process that answers."""
    for process in served.service.processes()[1:]:
        if b"api" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0"):
            return process
    raise AssertionError("no process of the service is its API")


def _own_memory(process: int) -> int:
    """Give the bytes that a process has for itself, without the files that it has mapped."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell Pss_Anon")
