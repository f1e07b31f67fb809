"""`Client`: the blocking client of a Packmule server.

Made from `asynchronous.py` by tests/house/test_blocking_client.py: edit that one. Owns carrying out
the steps of an operation one after another in the calling thread.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

import httpx

from packmule.client import downloading, fetching, operations, transport
from packmule.client.beside import Threads
from packmule.client.downloading import CONNECTIONS
from packmule.client.operations import REQUEST_TIMEOUT, RETRY_TIMEOUT, CallContext
from packmule.client.steps import (
    ApiResponse,
    NetworkFault,
    RunBlocking,
    SendRequest,
    Sleep,
    Streamed,
    StreamResponse,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import Unpack

    from packmule.client.operations import Steps
    from packmule.client.steps import ApiRequest, Step
    from packmule.client.values import (
        Archive,
        CreateOptions,
        Downloaded,
        File,
        InProgress,
        Link,
        RetryEvent,
        Status,
    )

T = TypeVar("T")


class Client:
    """A blocking client of a Packmule server. Threads may share it.

    Use it as a context manager, or `close` it.

    `server` and `api_key` default to PACKMULE_SERVER and PACKMULE_API_KEY. A single request is
    retried for `request_timeout` seconds if sending it twice does no harm; `wait`, `fetch` and
    `download` survive a server that is away for `retry_timeout` seconds. `on_retry` is called
    before each retry. Pass `http`, an httpx client of your own, to use a proxy or certificates;
    you close it.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        api_key: str | None = None,
        request_timeout: float = REQUEST_TIMEOUT,
        retry_timeout: float = RETRY_TIMEOUT,
        on_retry: Callable[[RetryEvent], None] | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self._server = transport.server_address(server, api_key)
        self._context = CallContext(request_timeout, retry_timeout, on_retry)
        self._own = httpx.Client(trust_env=False) if http is None else None
        self._http = http or cast("httpx.Client", self._own)

    def create(self, links: Iterable[Link], **options: Unpack[CreateOptions]) -> str:
        """Create a job and return its archive hash. Raises ClientError, UsageError.

        A link is a URL, a pair of URL and name in the archive, or an object of the API. One job is
        created, however often a response is lost on the way.
        """
        return self._run(operations.create(self._context, links, options))

    def list(
        self,
        *,
        state: Literal["in-progress", "completed", "failed", "cancelled", "expired"] | None = None,
        page_size: int = 1000,
    ) -> Iterator[Archive]:
        """Iterate over the archives created with your API key, the newest first.

        `state` returns only those with this status.
        """
        cursor: str | None = None
        while True:
            asked = operations.archives(self._context, state, cursor, page_size)
            found = self._run(asked)
            yield from found.archives
            cursor = found.cursor
            if cursor is None:
                return

    def status(self, archive_hash: str) -> Status:
        """Return a job's status."""
        return self._run(operations.status(self._context, archive_hash))

    def wait(
        self,
        archive_hash: str,
        *,
        timeout: float | None = None,
        on_progress: Callable[[InProgress], None] | None = None,
    ) -> Status:
        """Wait until a job has ended, across restarts of the server. Raises WaitTimeout.

        `on_progress` is called about once a second.
        """
        return self._run(operations.wait(self._context, archive_hash, timeout, on_progress))

    def files(
        self,
        archive_hash: str,
        *,
        state: Literal["pending", "open", "done", "failed"] | None = None,
        page_size: int = 1000,
    ) -> Iterator[File]:
        """Iterate over a job's files, or over those in one state."""
        cursor: str | None = None
        while True:
            asked = operations.files(self._context, archive_hash, state, cursor, page_size)
            found = self._run(asked)
            yield from found.files
            cursor = found.cursor
            if cursor is None:
                return

    def cancel(self, archive_hash: str) -> Status:
        """Cancel a job in progress. Cancelling it again changes nothing."""
        return self._run(operations.cancel(self._context, archive_hash))

    def retry(
        self,
        archive_hash: str,
        *,
        on_error: Literal["fail", "skip"] | None = None,
        positions: Collection[int] | None = None,
        urls: Mapping[int, str] | None = None,
    ) -> Status:
        """Retry a failed job, fetching only what failed. `skip` leaves out what fails again.

        `urls` gives failed files new links, by position. With `positions` only those files, and
        those in `urls`, are tried again.
        """
        return self._run(operations.retry(self._context, archive_hash, on_error, positions, urls))

    def finish(self, archive_hash: str) -> Status:
        """Complete a job now with what is packed; `missing` then lists the rest.

        Nothing more is fetched. Finishing it again changes nothing.
        """
        return self._run(operations.finish(self._context, archive_hash))

    def delete(self, archive_hash: str) -> None:
        """Remove an archive, and cancel its job if that is in progress."""
        self._run(operations.delete(self._context, archive_hash))

    def download(
        self,
        archive_hash: str,
        path: str | os.PathLike[str],
        *,
        file: int | str | None = None,
        part: int | None = None,
        resume: bool = True,
        replace: bool = False,
        connections: int = CONNECTIONS,
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> Downloaded:
        """Download an archive to `path`. Raises ClientError, OSError.

        With `file`, download only that file: by its position in the list of links, or by its name
        in the archive, for which the server may require an API key. With `part`, download only
        that part of a split archive, from 1; by default the first. `fetch` downloads all parts.

        A file at `path` stays, and raises FileExistsError, unless `replace` is True. The archive is
        there whole or not at all. An interrupted download continues where it was, from
        `<path>.part`, unless `resume` is False. Up to `connections` connections receive parts of a
        large archive at once. `on_bytes` is called with the number of bytes received and the total.
        """
        return self._run(
            downloading.download(
                self._context, archive_hash, path, file=file, part=part, resume=resume,
                replace=replace, connections=connections, on_bytes=on_bytes,
            )
        )  # fmt: skip

    def fetch(
        self,
        archive_hash: str,
        path: str | os.PathLike[str],
        *,
        file: int | str | None = None,
        resume: bool = True,
        replace: bool = False,
        timeout: float | None = None,
        connections: int = CONNECTIONS,
        on_progress: Callable[[InProgress], None] | None = None,
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> Downloaded:
        """Wait for a job, for at most `timeout` seconds, then download. Also raises NotCompleted.

        `timeout` does not limit the download. `file` is as in `download`. The parts of a split
        archive are saved as `a-1.zip`, `a-2.zip` and so on if `path` is `a.zip`.
        """
        return self._run(
            fetching.fetch(
                self._context, archive_hash, path, file=file, resume=resume, replace=replace,
                timeout=timeout, connections=connections, on_progress=on_progress,
                on_bytes=on_bytes,
            )
        )  # fmt: skip

    def close(self) -> None:
        """Close the connections."""
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the driver ----------------------------------------------------------------------------

    def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                step = steps.send(self._do(step))
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            steps.close()

    def _do(self, step: Step) -> Any:
        match step:
            case SendRequest(request):
                return self._send(request)
            case StreamResponse():
                return self._stream(step)
            case Sleep(seconds):
                return time.sleep(seconds)
            case RunBlocking(call):
                return call()

    def _send(self, request: ApiRequest) -> ApiResponse | NetworkFault:
        try:
            built = transport.http_request(self._http, self._server, request)
            response = self._http.send(built, stream=True, follow_redirects=False)
            try:
                return self._read(response)
            finally:
                response.close()
        except transport.CAUGHT as error:
            return transport.network_fault(error)

    def _read(self, response: httpx.Response) -> ApiResponse | NetworkFault:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > transport.MAX_DOCUMENT_BYTES:
                return transport.TOO_LONG
        head = transport.response_head(response)
        return ApiResponse(head.status, head.headers, bytes(body))

    def _stream(self, step: StreamResponse) -> ApiResponse | Streamed | NetworkFault:
        try:
            built = transport.http_request(self._http, self._server, step.request)
            response = self._http.send(built, stream=True, follow_redirects=True)
        except transport.CAUGHT as error:
            return transport.network_fault(error)
        head = transport.response_head(response)
        try:
            if not transport.has_archive_body(head):
                return self._read(response)
            consume = step.begin(head)
            if consume is None:
                return Streamed(head)
            with Threads(self._run) as tasks:
                tasks.start(step.beside())
                return self._consume(response, consume, step.progress)
        except transport.CAUGHT as error:
            return transport.network_fault(error)
        finally:
            response.close()

    def _consume(
        self,
        response: httpx.Response,
        consume: Callable[[bytes], bool],
        progress: Callable[[], None],
    ) -> Streamed:
        head = transport.response_head(response)
        try:
            for piece in response.iter_raw():
                if not consume(piece):
                    break
                progress()
        except transport.CAUGHT as error:
            return Streamed(head, transport.network_fault(error))
        finally:
            response.close()
        return Streamed(head)
