"""The server's own connections, as the kernel counts them: over real sockets."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from packmule.web.open_connections import cut_off, kernel_counts, open_connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def pair(host: str = "127.0.0.1") -> Iterator[tuple[socket.socket, socket.socket, int]]:
    """Connect a client to a server in this process; give both ends and the server's port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection((host, port), timeout=60) as client:
            server, _ = listening.accept()
            with server:
                yield client, server, port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_servers_end_is_found_and_what_was_taken_is_counted(host: str) -> None:
    with pair(host) as (client, server, port):
        server.sendall(b"x" * 1000)
        assert len(client.recv(1000, socket.MSG_WAITALL)) == 1000
        client.sendall(b"y" * 10)
        server.recv(10, socket.MSG_WAITALL)
        [found] = open_connections(port)
        assert found.descriptor == server.fileno()
        assert found.peer == client.getsockname()[:2]
        assert (found.unsent, found.taken, found.received) == (0, 1000, 10)
        assert server.fileno() >= 0


def receive_all(client: socket.socket) -> None:
    """Receive until the end."""
    while client.recv(1_000_000):
        pass


def fill(server: socket.socket) -> None:
    """Send until the kernel takes no more."""
    server.setblocking(False)
    with suppress(BlockingIOError):
        while server.send(b"x" * 65_536):
            pass


def test_what_a_client_does_not_take_is_unsent() -> None:
    with pair() as (_, server, port):
        fill(server)
        [found] = open_connections(port)
        assert found.unsent > 0
        assert not server.getblocking()


def test_an_idle_client_that_is_cut_off_sees_the_end() -> None:
    with pair() as (client, server, port):
        [found] = open_connections(port)
        assert cut_off(found)
        assert (server.recv(1), client.recv(1)) == (b"", b"")
        server.close()
        assert not cut_off(found)


def test_what_a_client_has_not_taken_is_dropped_when_it_is_cut_off() -> None:
    with pair() as (client, server, port):
        fill(server)
        [found] = open_connections(port)
        assert cut_off(found)
        server.close()
        with pytest.raises(ConnectionResetError):
            receive_all(client)


def test_a_descriptor_that_is_anothers_by_now_is_left_alone() -> None:
    with pair() as (_, server, port), pair() as (_, other, _port):
        [found] = open_connections(port)
        os.dup2(other.fileno(), server.fileno())
        assert not cut_off(found)
        other.sendall(b"x")


_TAKES_LOCK = (
    "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'wb'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
)


def another_process_can_lock(path: Path) -> bool:
    tried = subprocess.run(
        [sys.executable, "-c", _TAKES_LOCK, str(path)], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0 or "BlockingIOError" in tried.stderr, tried.stderr
    return tried.returncode == 0


def test_files_that_this_process_has_locked_stay_locked(tmp_path: Path) -> None:
    path = tmp_path / "database"
    with pair() as (_, _server, port), path.open("wb") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        [found] = open_connections(port)
        assert not another_process_can_lock(path)
        # By now the number of the connection is the file's.
        os.dup2(file.fileno(), found.descriptor)
        assert not cut_off(found)
        assert not another_process_can_lock(path)


def test_this_kernel_counts() -> None:
    assert kernel_counts()
