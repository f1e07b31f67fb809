"""`Client` and `AsyncClient` as one, so that a suite can try both by the same words.

Owns running each method of the asynchronous one on an event loop of its own, to its end.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import anyio

from packmule.client import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("sync", "asyncio")


class EitherClient:
    """A client of one of the `KINDS`; its methods are those of `Client`, all blocking."""

    def __init__(self, kind: str, server: str, **more: Any) -> None:
        self._kind = kind
        self._server = server
        self._more = more

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def method(*given: Any, **named: Any) -> Any:
            if self._kind == "sync":
                with Client(self._server, **self._more) as client:
                    found = getattr(client, name)(*given, **named)
                    return list(found) if inspect.isgenerator(found) else found
            return anyio.run(self._on_a_loop, name, given, named, backend=self._kind)

        return method

    async def _on_a_loop(self, name: str, given: Any, named: Any) -> Any:
        async with AsyncClient(self._server, **self._more) as client:
            found = getattr(client, name)(*given, **named)
            if inspect.isasyncgen(found):
                return [each async for each in found]
            return await found
