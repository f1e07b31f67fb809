"""A server does not end while the kernel still has something to send for it."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from packmule.web import unsent
from packmule.web.unsent import all_sent, unsent_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Pair = tuple[int, socket.socket, socket.socket]


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Give a port, its end of a connection, and the client's, which reads nothing by itself."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((request.param, port)) as client:
            server, _ = listener.accept()
            with server:
                yield port, server, client


def fill(server: socket.socket) -> int:
    """Send until the kernel takes no more; tell how much that was."""
    server.setblocking(False)
    sent = 0
    while True:
        try:
            sent += server.send(bytes(65536))
        except BlockingIOError:
            return sent


def take(client: socket.socket, length: int) -> None:
    while length > 0:
        length -= len(client.recv(65536))


def test_what_a_client_has_not_taken_is_unsent_until_it_does(pair: Pair) -> None:
    port, server, client = pair
    assert unsent_bytes(port) == 0
    length = fill(server)
    assert 0 < unsent_bytes(port) <= length
    take(client, length)
    asyncio.run(all_sent(port))
    assert unsent_bytes(port) == 0


def test_it_is_waited_for_although_the_connection_is_closed_here(pair: Pair) -> None:
    port, server, client = pair
    length = fill(server)
    server.close()

    async def run() -> bool:
        waiting = asyncio.create_task(all_sent(port))
        await asyncio.sleep(0.1)
        waited = not waiting.done()
        await asyncio.to_thread(take, client, length)
        await waiting
        return waited

    assert asyncio.run(run())


def test_who_takes_nothing_is_not_waited_for_for_ever(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "_LONGEST_WAIT", 0.05)
    port, server, _ = pair
    fill(server)
    asyncio.run(all_sent(port))
    assert unsent_bytes(port) > 0


def test_where_the_system_does_not_tell_nothing_is_waited_for(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(unsent, "_TABLES", (tmp_path / "none",))
    port, server, _ = pair
    fill(server)
    asyncio.run(all_sent(port))
