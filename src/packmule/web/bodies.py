"""Reading request bodies, within limits on size, time and the memory of all bodies together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from packmule.web.body_drain import has_body
from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

T = TypeVar("T")

BODY_SECONDS = 60.0
BODIES_BYTES = 40 * 1024 * 1024
"""Bytes of bodies that this process holds at once; a single one may be larger."""

BEGINNING_BYTES = 64 * 1024
"""How much of a body may be read before its client is known: a form holds its key."""

_LARGE = 1024 * 1024
_LARGE_AT_ONCE = 1
"""Large bodies that are validated at once: more would need more memory, and be no faster."""

# No request can follow on the connection before the whole body was read. RFC 9110 15.5.14
_UNREAD = {"Connection": "close"}
_MOST_DIGITS = 18


@dataclass(slots=True)
class _Incoming:
    """A body while it arrives. `taken` counts its bytes also after it was emptied."""

    limit: int
    body: bytearray = field(default_factory=bytearray)
    taken: int = 0


class BodyReader:
    """Reads bodies, with a bound on the memory of all of them together."""

    def __init__(self, *, budget: int = BODIES_BYTES) -> None:
        self._held = 0
        self._budget = budget
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    def __repr__(self) -> str:
        return f"<BodyReader: {self._held} of {self._budget} bytes held>"

    @asynccontextmanager
    async def read(
        self,
        request: Request,
        limit: int,
        seconds: float = BODY_SECONDS,
        *,
        check: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> AsyncIterator[bytearray]:
        """Read a request's body: `limit` bytes and `seconds` at most.

        `check` is called with the first `BEGINNING_BYTES`, or the whole body if it is shorter,
        before more is read, and may raise. The body counts as held until the context ends, because
        one that waits for a thread takes as much memory as one that is still arriving. Raises
        Problem if it is compressed, too large, too slow or cut off.
        """
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise Problem(
                415,
                ProblemCode.UNSUPPORTED_MEDIA_TYPE,
                "The body is compressed (Content-Encoding); send it uncompressed.",
                headers={"Accept-Encoding": "identity"} | unread(request),  # RFC 9110 15.5.16
            )
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > _MOST_DIGITS or int(announced) > limit):
            raise _too_large(limit)
        incoming = _Incoming(limit)
        try:
            await self._gather(request, incoming, seconds, check)
            yield incoming.body
        finally:
            self._held -= incoming.taken

    async def process(self, body: bytearray, function: Callable[[], T]) -> T:
        """Run a function that handles a body in a thread; large bodies wait for their turn."""
        if len(body) < _LARGE:
            return await _in_thread(function)
        async with self._large:
            return await _in_thread(function)

    async def _gather(
        self,
        request: Request,
        incoming: _Incoming,
        seconds: float,
        check: Callable[[bytes], Awaitable[None]] | None,
    ) -> None:
        try:
            async with asyncio.timeout(seconds):
                async for piece in request.stream():
                    self._take(incoming, piece)
                    if check is not None and incoming.taken >= BEGINNING_BYTES:
                        await check(bytes(incoming.body[:BEGINNING_BYTES]))
                        check = None
                if check is not None:
                    await check(bytes(incoming.body))
        except TimeoutError as error:
            raise Problem(
                408,
                ProblemCode.TIMEOUT,
                f"The body did not arrive within {seconds:g} seconds.",
                headers=_UNREAD,
            ) from error
        except ClientDisconnect as error:
            raise Problem(400, ProblemCode.BAD_REQUEST, "The body was cut off.") from error

    def _take(self, incoming: _Incoming, piece: bytes) -> None:
        if incoming.taken + len(piece) > incoming.limit:
            raise _too_large(incoming.limit)
        held_by_others = self._held - incoming.taken
        if held_by_others and self._held + len(piece) > self._budget:
            raise Problem(
                503,
                ProblemCode.OVERLOADED,
                "Too many large requests are being received; try again in 5 seconds.",
                headers={"Retry-After": "5", **_UNREAD},
            )
        incoming.body += piece
        incoming.taken += len(piece)
        self._held += len(piece)


async def _in_thread(function: Callable[[], T]) -> T:
    """Run a function in a thread, and leave nothing of what it held when it raises.

    An exception that passes from thread to event loop through a future forms a cycle with it: the
    exception's traceback holds the frame that holds the future. Whatever the frames hold, like a
    body of megabytes, would then live until the garbage collector comes by.
    """
    returned, error = await run_in_threadpool(_outcome, function)
    if error is None:
        return returned[0]
    try:
        raise error
    finally:
        del error


def _outcome(function: Callable[[], T]) -> tuple[list[T], Exception | None]:
    """Call a function, and return what it returned or what it raised."""
    try:
        return [function()], None
    except Exception as error:  # noqa: BLE001 - it is raised again, in the event loop
        return [], error


def _too_large(limit: int) -> Problem:
    return Problem(
        413, ProblemCode.TOO_LARGE, f"The body is larger than {limit} bytes.", headers=_UNREAD
    )


def unread(request: Request) -> dict[str, str]:
    """Return the headers for a refusal that is sent before the request's body is read."""
    return _UNREAD if has_body(request.headers) else {}
