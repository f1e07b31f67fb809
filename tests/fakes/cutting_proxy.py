"""A TCP proxy on loopback that cuts connections after a number of bytes, as bad networks do.

Owns passing bytes on, and when they stop: `after` gives for each connection how many bytes of the
answer may pass, None for all. Knows nothing of HTTP. `down` has it take no connection at all.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 16 * 1024
# Closing sends a reset: whatever is on its way is lost, as at a real cut.
_RESET = struct.pack("ii", 1, 0)


class CuttingProxy:
    """Passes connections on to a port of 127.0.0.1; use it as a context, or `close` it."""

    def __init__(self, to_port: int, after: Callable[[], int | None]) -> None:
        self._to_port = to_port
        self._after = after
        self.cuts = 0
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(10.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, what: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=what, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                self.connections += 1
                try:
                    far = socket.create_connection(("127.0.0.1", self._to_port))
                except OSError:
                    near.close()
                    continue
                self._start(self._pass_on, near, far)
                self._start(self._pass_back, far, near)

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        """Hand the request on as it comes."""
        with suppress(OSError):
            while piece := near.recv(_PIECE):
                far.sendall(piece)
        with suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def _pass_back(self, far: socket.socket, near: socket.socket) -> None:
        """Hand the answer back, as much of it as may pass, then cut."""
        left = self._after()
        with suppress(OSError):
            while piece := far.recv(_PIECE if left is None else min(left, _PIECE)):
                near.sendall(piece)
                if left is not None:
                    left -= len(piece)
                    if left == 0:
                        self.cuts += 1
                        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        break
        for each in (near, far):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
