"""An origin that answers with bytes as they are, each answer on a host of its own.

Hosts are addresses of the loopback network, so what one answer teaches the program about its host
changes nothing for another.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import Self


class RawOrigin:
    """Answers every request to a host with that host's bytes, and hangs up; use it as a context."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._hosts = 0
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def put(self, answer: bytes) -> str:
        """Answer with these bytes at a URL, which is returned."""
        self._hosts += 1
        host = f"127.1.{self._hosts // 250}.{self._hosts % 250 + 1}"
        listener = socket.create_server((host, 0))
        self._selector.register(listener, selectors.EVENT_READ, answer)
        return f"http://{host}:{listener.getsockname()[1]}/{self._hosts}"

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                listener = key.fileobj
                assert isinstance(listener, socket.socket)
                connection, _ = listener.accept()
                threading.Thread(
                    target=self._answer, args=(connection, key.data), daemon=True
                ).start()

    @staticmethod
    def _answer(connection: socket.socket, answer: bytes) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(30)
            connection.recv(65_536)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):  # else what is unread would reset the connection
                pass

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.send(b"x")
        self._thread.join()
        for key in tuple(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._wake.close()
        self._selector.close()
