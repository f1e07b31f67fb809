"""Files that the server sends by their path: how many at once.

Owns the bound. The server reads ahead for each of them, about 0.5 MB that a client which does not
read keeps in memory; and it reports to the application neither how far it is nor that it has ended
(the ASGI extension `http.response.pathsend` returns at once). So a file counts as being sent while
the kernel has bytes that its client has not taken, as `connection_watch.py` sees it. At the bound
the extension is no longer offered, and `sending.py` sends by small pieces.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 64
"""Files sent by path at once."""

EXTENSION = "http.response.pathsend"

# A file that has just been handed over may have nothing in the kernel yet.
_FIRST_SECONDS = 0.5


class PathSends:
    """The files being sent by path, by the client's address and port.

    Nothing is bounded until `keep` has been called: without it there is no telling what has ended.
    """

    def __init__(self) -> None:
        self._begun: dict[tuple[str, int], float] = {}
        self._is_told = False

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application, which is offered to send by path while there are few."""

        async def bounded(scope: Scope, receive: Receive, send: Send) -> None:
            client = scope.get("client")
            if client is None or not self._is_told or EXTENSION not in scope.get("extensions", {}):
                await app(scope, receive, send)
                return
            if len(self._begun) >= MOST:
                others = {k: v for k, v in scope["extensions"].items() if k != EXTENSION}
                await app({**scope, "extensions": others}, receive, send)
                return

            async def noted(message: Message) -> None:
                if message["type"] == EXTENSION:
                    self._begun[client[0], client[1]] = time.monotonic()
                await send(message)

            await app(scope, receive, noted)

        return bounded

    def keep(self, waiting: AbstractSet[tuple[str, int]], now: float) -> None:
        """Forget the files whose clients are not among those that have bytes `waiting` for them."""
        self._is_told = True
        for peer, begun in self._begun.copy().items():
            if peer not in waiting and now - begun >= _FIRST_SECONDS:
                self._begun.pop(peer, None)
