"""Where the API listens: one port, held by one program."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from packmule.cli import listening
from packmule.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_TIMEOUT", 0.0)


def server(port: int) -> socket.socket:
    """Listen as our server does."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def test_a_port_that_is_held_is_refused_to_a_second(free_port: int) -> None:
    with (
        listening.hold_port("127.0.0.1", free_port),
        pytest.raises(UsageError, match=f"Port {free_port} of 127.0.0.1 is already in use"),
    ):
        listening.hold_port("127.0.0.1", free_port)


def test_our_server_may_listen_on_the_port_that_is_held_and_again_after_it_died(
    free_port: int,
) -> None:
    with listening.hold_port("127.0.0.1", free_port):
        assert not listening.answers("127.0.0.1", free_port)
        for _ in range(2):
            with server(free_port):
                assert listening.answers("127.0.0.1", free_port)
                with pytest.raises(UsageError):
                    listening.hold_port("127.0.0.1", free_port)
        assert not listening.answers("127.0.0.1", free_port)


def test_connections_that_are_closing_do_not_hold_the_port(free_port: int) -> None:
    with server(free_port) as listener:
        client = socket.create_connection(("127.0.0.1", free_port))
        accepted, _ = listener.accept()
        accepted.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    listening.hold_port("127.0.0.1", free_port).close()


def test_a_port_that_another_program_listens_on_is_refused(free_port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        with pytest.raises(UsageError, match="is already in use"):
            listening.hold_port("127.0.0.1", free_port)


def test_an_address_of_another_machine_is_refused(free_port: int) -> None:
    with pytest.raises(UsageError, match="Cannot listen on"):
        listening.hold_port("192.0.2.1", free_port)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_an_address_is_itself(host: str) -> None:
    assert listening.address_of(host) == host


def test_a_name_becomes_an_address() -> None:
    assert listening.address_of("localhost") in {"127.0.0.1", "::1"}


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="PACKMULE_HOST"):
        listening.address_of("no..such..host")


def test_two_ports_can_be_held(free_ports: Callable[[], int]) -> None:
    with (
        listening.hold_port("127.0.0.1", free_ports()),
        listening.hold_port("127.0.0.1", free_ports()),
    ):
        pass
