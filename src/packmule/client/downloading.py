"""The download of an archive, a part or a file of it: started, cut, resumed, until it is whole.

Owns when a download is requested again and when it gives up. Which bytes may be used is decided in
`versions.py`, who receives which in `segments.py`; the files are those of `part_file.py`, the I/O
is the drivers'. A download goes on as long as bytes arrive; without any, it survives a server that
is away for `retry_timeout` seconds.

One transfer leads: it begins alone, is retried, and reports what goes wrong. Once its response
shows that the server sends parts of the archive, others help it (`helping.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.client import helping, reading, requests, versions
from packmule.client.arrival import Arrival
from packmule.client.body import Body
from packmule.client.errors import (
    ConnectionError,
    DownloadFailed,
    InvalidResponseError,
)
from packmule.client.helping import READ_TIMEOUT
from packmule.client.operations import RETRYABLE, files
from packmule.client.part_file import PartFile
from packmule.client.requests import Target
from packmule.client.steps import (
    ApiResponse,
    NetworkFault,
    Streamed,
    run_blocking,
    stream_response,
)
from packmule.client.values import Downloaded
from packmule.client.versions import AcceptBody, RejectBody, Wanted
from packmule.errors import UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from packmule.client.errors import ClientError
    from packmule.client.operations import CallContext, Steps
    from packmule.client.segments import Segment

CONNECTIONS = 8
"""How many connections a download has at most, unless its caller says otherwise."""

_FILES_AT_ONCE = 1000
_MAX_STARTS = 5
"""How often a download may start from its first byte."""


def download(
    context: CallContext,
    hash_: str,
    path: str | os.PathLike[str],
    *,
    file: int | str | None = None,
    part: int | None = None,
    resume: bool,
    replace: bool,
    connections: int,
    on_bytes: Callable[[int, int], None] | None,
    expected: int | None = None,
    keep_record: bool = False,
) -> Steps[Downloaded]:
    """Download an archive to `path`, replacing a file there if asked. Raises ClientError, OSError.

    With `file`, download only the file at that position, or of that name; with `part`, only that
    part of a split archive. Up to `connections` transfers receive ranges of it at once. `on_bytes`
    is called with the number of bytes received and the total. `keep_record` is as in
    `PartFile.finish`.
    """
    target = Target(hash_, None if isinstance(file, str) else file, part)
    if connections < 1:
        raise UsageError("A download needs at least 1 connection.")
    if isinstance(file, str):
        target = Target(hash_, (yield from _position(context, hash_, file)), part)
    received = PartFile(Path(path), target.key, replace=replace)
    try:
        yield from run_blocking(lambda: received.open(resume=resume))
        arrival = Arrival(received, context.now, on_bytes)
        try:
            yield from _Download(context, target, arrival, expected, connections).steps()
        finally:
            arrival.stop()  # a helper's thread may still be there, and find the file closed
        yield from run_blocking(lambda: received.finish(keep_record=keep_record))
        version = received.held.version
        assert version is not None  # noqa: S101  # or it would not be whole
        return Downloaded(version.size, arrival.kept, version.etag, paths=(received.path,))
    finally:
        received.close()


def _position(context: CallContext, hash_: str, name: str) -> Steps[int]:
    """Find a packed file by its name in the archive. Raises DownloadFailed."""
    cursor: str | None = None
    while True:
        page = yield from files(context, hash_, "done", cursor, _FILES_AT_ONCE)
        for each in page.files:
            if each.name == name:
                return each.position
        cursor = page.cursor
        if cursor is None:
            raise DownloadFailed(f"The archive has no file named {name!r}.")


class _Download:
    """One download, across all requests of the transfer that leads it."""

    def __init__(
        self,
        context: CallContext,
        target: Target,
        arrival: Arrival,
        expected: int | None,
        connections: int,
    ) -> None:
        self._context = context
        self._target = target
        self._arrival = arrival
        self._expected = expected
        self._helpers = connections - 1
        # A caller that knows the size has just heard from the server: it is worth waiting for.
        self._backoff = context.backoff(None if expected is None else context.retry_timeout)
        self._starts = 0
        self._from_start = False
        self._rejected: str | None = None
        self._wanted = Wanted()
        self._segment: Segment | None = None
        self._body: Body | None = None
        self._sends_parts = False

    def steps(self) -> Steps[None]:
        """Send requests until every byte has arrived."""
        while not self._arrival.is_whole:
            self._choose()
            headers = versions.headers(self._wanted)
            request = requests.download(self._target, headers, timeout=READ_TIMEOUT)
            outcome = yield from stream_response(
                request, self._begin, self._arrival.report, self._help
            )
            yield from run_blocking(self._arrival.record)
            if self._arrival.is_whole:
                return
            if self._segment is not None:
                self._arrival.segments.release(self._segment)
                if not self._segment.left and self._rejected is None:
                    continue  # with what helpers have left
            error = self._error_of(outcome)
            delay = self._backoff.next_delay(getattr(error, "retry_after", None))
            if delay is None:
                raise error
            yield self._context.retry_in(delay, str(error))

    def _choose(self) -> None:
        """Choose what to request next."""
        self._rejected = None
        self._sends_parts = False
        self._segment = None
        self._wanted = Wanted()
        if not self._from_start and self._arrival.version is not None:
            self._segment = self._arrival.segments.first()
        if self._segment is not None:
            self._wanted = Wanted(self._segment.at, self._arrival.version, self._segment.end)

    def _begin(self, head: ApiResponse) -> Callable[[bytes], bool] | None:
        """Decide on a body by its head, and return its consumer, or None to skip it."""
        is_file = self._target.position is not None
        match versions.judge_response(self._wanted, head, self._expected, may_be_empty=is_file):
            case RejectBody(reason):
                self._rejected = reason
                # The server would send the same wrong part again.
                self._from_start |= head.status == HTTPStatus.PARTIAL_CONTENT
                return None
            case AcceptBody() as accepted:
                self._starts += accepted.whole
                if self._starts > _MAX_STARTS:
                    self._rejected = "it started over too often"
                    return None
                if accepted.whole:
                    self._arrival.begin(accepted.version)
                    self._segment = self._arrival.segments.first()
                if self._segment is None:
                    return None  # an empty file
                end = accepted.version.size if accepted.whole else self._segment.end
                self._body = Body(self._arrival, self._segment, end)
                self._from_start = False
                self._sends_parts = versions.sends_parts(accepted, head)
                return self._write

    def _help(self) -> list[Steps[None]]:
        """Return the transfers that help this one."""
        if not self._sends_parts:
            return []
        claimed = (self._arrival.segments.another() for _ in range(self._helpers))
        return [
            helping.help_with(self._context, self._target, self._arrival, segment)
            for segment in claimed
            if segment is not None
        ]

    def _write(self, piece: bytes) -> bool:
        assert self._body is not None  # noqa: S101  # `_begin` came before
        if piece:
            self._backoff.reset()
            self._backoff.limit = self._context.retry_timeout
        going_on = self._body.write(piece)
        if self._body.too_long:
            self._rejected = "it is longer than announced"
            self._arrival.forget()
        return going_on

    def _error_of(self, outcome: ApiResponse | Streamed | NetworkFault) -> ClientError:
        """Return the error after which a retry may succeed; raise one after which none can."""
        if self._starts > _MAX_STARTS:
            raise DownloadFailed(
                f"The download started over {_MAX_STARTS} times: the archive keeps changing, or "
                "something before the server cuts it and does not support range requests."
            )
        match outcome:
            case ApiResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
                self._from_start = True
                return InvalidResponseError("The archive is shorter than what was downloaded.")
            case ApiResponse():
                error = reading.refusal(outcome, datetime.now(UTC))
                if outcome.status not in RETRYABLE:
                    raise error
                return error
            case _ if self._rejected is not None:
                return InvalidResponseError(f"The response is not the archive: {self._rejected}.")
            case NetworkFault(detail) | Streamed(fault=NetworkFault(detail)):
                return ConnectionError(f"The download was cut: {detail}.")
            case _:
                return ConnectionError("The download was cut: the response ended early.")
