"""`Client`: a Packmule server from Python, blocking.

Owns doing the steps of operations one after another in this thread. Leaves every decision to
`operations.py` and `downloading.py`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import httpx

from packmule.client import downloading, operations, transport
from packmule.client.operations import ASKING, WAITING, Circumstances
from packmule.client.steps import Do, Exchange, Fault, Pause, Reply, Taken, TakeUp

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
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


class Client:
    """A Packmule server. Use it as a context, or `close` it; threads may share it.

    `server` and `api_key` are by default those of PACKMULE_SERVER and PACKMULE_API_KEY. One
    question is asked again for `asking` seconds, where that does no harm; whoever waits or
    downloads bears for `waiting` seconds that the server is away. `on_trouble` is told of each try
    that failed. `http` is an httpx client of your own, for a proxy or certificates; it stays yours.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        api_key: str | None = None,
        asking: float = ASKING,
        waiting: float = WAITING,
        on_trouble: Callable[[Trouble], None] | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self._address = transport.address(server, api_key)
        self._around = Circumstances(asking, waiting, on_trouble)
        self._own = httpx.Client(trust_env=False) if http is None else None
        self._http = http or cast("httpx.Client", self._own)

    def create(self, links: Iterable[Link], **options: Unpack[CreateOptions]) -> str:
        """Ask for an archive, and give its hash. Raises ClientError, UsageError.

        A link is a URL, a pair of URL and name in the archive, or an object of the API. However
        often an answer is lost on the way, one job is made.
        """
        return self._run(operations.create(self._around, links, options))

    def status(self, archive_hash: str) -> Status:
        """Tell how a job is."""
        return self._run(operations.status(self._around, archive_hash))

    def wait(
        self,
        archive_hash: str,
        *,
        timeout: float | None = None,
        on_progress: Callable[[InProgress], None] | None = None,
    ) -> Status:
        """Wait until a job has ended, over restarts of the server. Raises WaitTimeout.

        `on_progress` is told about once a second.
        """
        return self._run(operations.wait(self._around, archive_hash, timeout, on_progress))

    def files(
        self, archive_hash: str, *, state: str | None = None, page: int = 1000
    ) -> Iterator[File]:
        """Give a job's files one after another, those of a state where that is named."""
        cursor: str | None = None
        while True:
            found = self._run(operations.files(self._around, archive_hash, state, cursor, page))
            yield from found.files
            cursor = found.cursor
            if cursor is None:
                return

    def cancel(self, archive_hash: str) -> Status:
        """Cancel a job in progress; once cancelled, again changes nothing."""
        return self._run(operations.cancel(self._around, archive_hash))

    def retry(self, archive_hash: str, *, on_error: str | None = None) -> Status:
        """Try a failed job again; only what failed is fetched. `skip` does without the rest."""
        return self._run(operations.retry(self._around, archive_hash, on_error))

    def delete(self, archive_hash: str) -> None:
        """Cancel a job where it is in progress, and remove its archive."""
        self._run(operations.delete(self._around, archive_hash))

    def download(
        self,
        archive_hash: str,
        path: str | os.PathLike[str],
        *,
        resume: bool = True,
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> Downloaded:
        """Download an archive to `path`, which is there whole or not at all; a file there is lost.

        Cut, even by a kill, it goes on where it was, from `<path>.part`, unless `resume` is False.
        `on_bytes` is told how many bytes have come, and of how many. Raises ClientError, OSError.
        """
        return self._run(
            downloading.download(self._around, archive_hash, path, resume=resume, on_bytes=on_bytes)
        )

    def fetch(
        self,
        archive_hash: str,
        path: str | os.PathLike[str],
        *,
        resume: bool = True,
        timeout: float | None = None,
        on_progress: Callable[[InProgress], None] | None = None,
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> Downloaded:
        """Wait, for `timeout` seconds at most, then download. Raises NotCompleted besides."""
        return self._run(
            downloading.fetch(
                self._around, archive_hash, path, resume=resume, timeout=timeout,
                on_progress=on_progress, on_bytes=on_bytes,
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
                step = steps.send(self._done(step))
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            steps.close()

    def _done(self, step: Step) -> Any:
        match step:
            case Exchange(request):
                return self._exchange(request)
            case TakeUp():
                return self._take_up(step)
            case Pause(seconds):
                return time.sleep(seconds)
            case Do(call):
                return call()

    def _exchange(self, request: Request) -> Reply | Fault:
        try:
            built = transport.built(self._http, self._address, request)
            response = self._http.send(built, stream=True, follow_redirects=False)
            try:
                return self._read(response)
            finally:
                response.close()
        except transport.CAUGHT as error:
            return transport.fault_of(error)

    def _read(self, response: httpx.Response) -> Reply | Fault:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > transport.MOST_BYTES:
                return transport.TOO_LONG
        head = transport.head_of(response)
        return Reply(head.status, head.headers, bytes(body))

    def _take_up(self, step: TakeUp) -> Reply | Taken | Fault:
        try:
            built = transport.built(self._http, self._address, step.request)
            response = self._http.send(built, stream=True, follow_redirects=True)
        except transport.CAUGHT as error:
            return transport.fault_of(error)
        head = transport.head_of(response)
        try:
            if not transport.has_body(head):
                return self._read(response)
            sink = step.begin(head)
            if sink is None:
                return Taken(head)
            for piece in response.iter_raw():
                if not sink(piece):
                    break
                step.told()
        except transport.CAUGHT as error:
            return Taken(head, transport.fault_of(error))
        finally:
            response.close()
        return Taken(head)
