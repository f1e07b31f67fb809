"""Reading request bodies, within limits on size, time and the memory of all bodies together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

BODY_SECONDS = 60.0
BODIES_BYTES = 256 * 1024 * 1024
"""Bytes of bodies that may be held at once, over all requests of this process."""

# The rest of the body stays unread, so no request can follow on the connection. RFC 9110 15.5.14
_UNREAD = {"Connection": "close"}
_MOST_DIGITS = 18


class BodyReader:
    """Reads bodies, with a bound on the memory of all of them together."""

    def __init__(self, *, budget: int = BODIES_BYTES) -> None:
        self._held = 0
        self._budget = budget

    def __repr__(self) -> str:
        return f"<BodyReader: {self._held} of {self._budget} bytes held>"

    @asynccontextmanager
    async def read(
        self, request: Request, limit: int, seconds: float = BODY_SECONDS
    ) -> AsyncIterator[bytes]:
        """Read a request's body: `limit` bytes and `seconds` at most.

        It counts as held until the context ends, because a body that waits for a thread takes as
        much memory as one that is still arriving. Raises Problem if it is too large, too slow or
        cut off.
        """
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > _MOST_DIGITS or int(announced) > limit):
            raise _too_large(limit)
        body = bytearray()
        try:
            await self._gather(request, body, limit, seconds)
            yield bytes(body)
        finally:
            self._held -= len(body)

    async def _gather(self, request: Request, body: bytearray, limit: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                async for piece in request.stream():
                    self._take(body, piece, limit)
        except TimeoutError as error:
            raise Problem(
                408,
                ProblemCode.TIMEOUT,
                f"The body did not arrive within {seconds:g} seconds.",
                headers=_UNREAD,
            ) from error
        except ClientDisconnect as error:
            raise Problem(400, ProblemCode.BAD_REQUEST, "The body was cut off.") from error

    def _take(self, body: bytearray, piece: bytes, limit: int) -> None:
        if len(body) + len(piece) > limit:
            raise _too_large(limit)
        if self._held + len(piece) > self._budget:
            raise Problem(
                503,
                ProblemCode.OVERLOADED,
                "Too many large requests come in at once; try again soon.",
                headers={"Retry-After": "5", **_UNREAD},
            )
        body += piece
        self._held += len(piece)


def _too_large(limit: int) -> Problem:
    return Problem(
        413, ProblemCode.TOO_LARGE, f"The body is larger than {limit} bytes.", headers=_UNREAD
    )


def unread(request: Request) -> dict[str, str]:
    """Return the headers for a refusal that is sent before the request's body is read."""
    length = request.headers.get("content-length", "0")
    return _UNREAD if length != "0" or "transfer-encoding" in request.headers else {}
