"""`AsyncClient`: a Packmule server from Python, for asyncio and Trio.

Owns doing the steps of operations on an event loop; the disk is used in threads. Leaves every
decision to `operations.py` and `downloading.py`, what a method does to its twin in `Client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import anyio
import httpx

from packmule.client import downloading, operations, transport
from packmule.client.disk_thread import in_thread
from packmule.client.operations import ASKING, WAITING, Circumstances
from packmule.client.steps import Do, Exchange, Fault, Pause, Reply, Taken, TakeUp

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Iterable
    from typing import Unpack

    from packmule.client.operations import Steps
    from packmule.client.steps import Request, Step
    from packmule.client.values import (
        CreateOptions,
        Downloaded,
        File,
        InProgress,
        Link,
        Status,
        Trouble,
    )

T = TypeVar("T")


class AsyncClient:
    """A Packmule server. Use it as a context, or `aclose` it; its tasks may share it.

    The arguments and methods are those of `Client`. What is told of progress and troubles is told
    on the event loop, and must not block.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        api_key: str | None = None,
        asking: float = ASKING,
        waiting: float = WAITING,
        on_trouble: Callable[[Trouble], None] | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._address = transport.address(server, api_key)
        self._around = Circumstances(asking, waiting, on_trouble)
        self._own = httpx.AsyncClient(trust_env=False) if http is None else None
        self._http = http or cast("httpx.AsyncClient", self._own)

    async def create(self, links: Iterable[Link], **options: Unpack[CreateOptions]) -> str:
        """Ask for an archive, and give its hash."""
        return await self._run(operations.create(self._around, links, options))

    async def status(self, archive_hash: str) -> Status:
        """Tell how a job is."""
        return await self._run(operations.status(self._around, archive_hash))

    async def wait(
        self,
        archive_hash: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # the server's own time counts as well
        on_progress: Callable[[InProgress], None] | None = None,
    ) -> Status:
        """Wait until a job has ended, over restarts of the server."""
        return await self._run(operations.wait(self._around, archive_hash, timeout, on_progress))

    async def files(
        self, archive_hash: str, *, state: str | None = None, page: int = 1000
    ) -> AsyncIterator[File]:
        """Give a job's files one after another."""
        cursor: str | None = None
        while True:
            asked = operations.files(self._around, archive_hash, state, cursor, page)
            found = await self._run(asked)
            for each in found.files:
                yield each
            cursor = found.cursor
            if cursor is None:
                return

    async def cancel(self, archive_hash: str) -> Status:
        """Cancel a job in progress."""
        return await self._run(operations.cancel(self._around, archive_hash))

    async def retry(self, archive_hash: str, *, on_error: str | None = None) -> Status:
        """Try a failed job again."""
        return await self._run(operations.retry(self._around, archive_hash, on_error))

    async def delete(self, archive_hash: str) -> None:
        """Cancel a job where it is in progress, and remove its archive."""
        await self._run(operations.delete(self._around, archive_hash))

    async def download(
        self,
        archive_hash: str,
        path: str | os.PathLike[str],
        *,
        resume: bool = True,
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> Downloaded:
        """Download an archive to `path`, which is there whole or not at all."""
        return await self._run(
            downloading.download(self._around, archive_hash, path, resume=resume, on_bytes=on_bytes)
        )

    async def fetch(
        self,
        archive_hash: str,
        path: str | os.PathLike[str],
        *,
        resume: bool = True,
        timeout: float | None = None,  # noqa: ASYNC109  # the server's own time counts as well
        on_progress: Callable[[InProgress], None] | None = None,
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> Downloaded:
        """Wait, then download."""
        return await self._run(
            downloading.fetch(
                self._around, archive_hash, path, resume=resume, timeout=timeout,
                on_progress=on_progress, on_bytes=on_bytes,
            )
        )  # fmt: skip

    async def aclose(self) -> None:
        """Close the connections."""
        if self._own is not None:
            await self._own.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # --- the driver ----------------------------------------------------------------------------

    async def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._done(step))
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            steps.close()

    async def _done(self, step: Step) -> Any:
        match step:
            case Exchange(request):
                return await self._exchange(request)
            case TakeUp():
                return await self._take_up(step)
            case Pause(seconds):
                return await anyio.sleep(seconds)
            case Do(call):
                return await in_thread(call)

    async def _exchange(self, request: Request) -> Reply | Fault:
        try:
            built = transport.built(self._http, self._address, request)
            response = await self._http.send(built, stream=True, follow_redirects=False)
            try:
                return await self._read(response)
            finally:
                await response.aclose()
        except transport.CAUGHT as error:
            return transport.fault_of(error)

    async def _read(self, response: httpx.Response) -> Reply | Fault:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > transport.MOST_BYTES:
                return transport.TOO_LONG
        head = transport.head_of(response)
        return Reply(head.status, head.headers, bytes(body))

    async def _take_up(self, step: TakeUp) -> Reply | Taken | Fault:
        try:
            built = transport.built(self._http, self._address, step.request)
            response = await self._http.send(built, stream=True, follow_redirects=True)
        except transport.CAUGHT as error:
            return transport.fault_of(error)
        head = transport.head_of(response)
        try:
            if not transport.has_body(head):
                return await self._read(response)
            sink = await in_thread(step.begin, head)
            if sink is None:
                return Taken(head)
            async for piece in response.aiter_raw():
                if not await in_thread(sink, piece):
                    break
                step.told()
        except transport.CAUGHT as error:
            return Taken(head, transport.fault_of(error))
        finally:
            await response.aclose()
        return Taken(head)
