"""A cancel takes effect in the middle of a transfer: origin let go, bytes removed."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pytest
from tests.spec.service import PATIENCE, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.spec.service import Service

SIZE = 1_000_000_000


class Endless:
    """An origin that sends the beginning of a long body, then nothing, and notes who hangs up."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/long.bin"
        self.begun = threading.Event()
        self.let_go = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            connection, _ = self._listening.accept()
            with connection:
                connection.recv(65_536)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"
                connection.sendall(head.encode() + bytes(2_000_000))
                self.begun.set()
                connection.settimeout(PATIENCE)
                with suppress(ConnectionResetError):
                    while connection.recv(65_536):
                        pass
                self.let_go.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(PATIENCE)


def left_of(service: Service, archive_hash: str) -> list[Path]:
    return list((service.folder / "data").rglob(f"{archive_hash}*"))


@pytest.mark.parametrize("way", ["cancel", "delete"])
def test_a_transfer_under_way_is_ended_and_its_bytes_are_removed(
    service: Service, way: str
) -> None:
    with Endless() as origin:
        archive_hash = service.create(origin.url)
        assert origin.begun.wait(PATIENCE)
        until(lambda: left_of(service, archive_hash), "there is scratch")
        if way == "cancel":
            answer = service.client.post(f"/api/archive/cancel/{archive_hash}")
        else:
            answer = service.client.delete(f"/api/archive/{archive_hash}")
        assert answer.is_success, answer.text
        assert origin.let_go.wait(PATIENCE)
        until(lambda: not left_of(service, archive_hash), "the scratch is gone")
