"""The download of an archive: started, cut, resumed, until it is whole.

Owns when a download is requested again and when it gives up. Which bytes may be used is decided in
`versions.py`, the files are those of `part_file.py`, the I/O is the drivers'. A download goes on as
long as bytes arrive; without any, it survives a server that is away for `retry_timeout` seconds.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.client import reading, requests, versions
from packmule.client.errors import (
    ConnectionError,
    DownloadFailed,
    InvalidResponseError,
    NotCompleted,
)
from packmule.client.operations import RETRYABLE, wait
from packmule.client.part_file import PartFile, check
from packmule.client.steps import ApiResponse, NetworkFault, Streamed, run_blocking, stream_response
from packmule.client.values import Completed, Downloaded, Failed
from packmule.client.versions import AcceptBody, Held, RejectBody

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from packmule.client.errors import ClientError
    from packmule.client.operations import CallContext, Steps
    from packmule.client.values import InProgress, Status

_READ_TIMEOUT = 30.0
"""Seconds without a byte after which a download is cut and resumed."""
_MAX_STARTS = 5
"""How often a download may start from its first byte."""


def download(
    context: CallContext,
    hash_: str,
    path: str | os.PathLike[str],
    *,
    resume: bool,
    replace: bool,
    on_bytes: Callable[[int, int], None] | None,
    expected: int | None = None,
) -> Steps[Downloaded]:
    """Download an archive to `path`, replacing a file there if asked. Raises ClientError, OSError.

    `on_bytes` is called with the number of bytes received and the total.
    """
    requests.checked(hash_)
    part = PartFile(Path(path), hash_, replace=replace)
    try:
        yield from run_blocking(lambda: part.open(resume=resume))
        transfer = _Download(context, hash_, part, expected, on_bytes)
        yield from transfer.steps()
        yield from run_blocking(part.finish)
        return Downloaded(part.held.offset, part.kept, transfer.etag)
    finally:
        part.close()


def fetch(
    context: CallContext,
    hash_: str,
    path: str | os.PathLike[str],
    *,
    resume: bool,
    replace: bool,
    timeout: float | None,
    on_progress: Callable[[InProgress], None] | None,
    on_bytes: Callable[[int, int], None] | None,
) -> Steps[Downloaded]:
    """Wait until a job is completed, then download. Raises NotCompleted, ClientError, OSError."""
    yield from run_blocking(lambda: check(Path(path), replace=replace))
    found = yield from wait(context, hash_, timeout, on_progress)
    if not isinstance(found, Completed):
        raise NotCompleted(_no_archive(found), found)
    done = yield from download(
        context, hash_, path, resume=resume, replace=replace, on_bytes=on_bytes,
        expected=found.size,
    )  # fmt: skip
    return dataclasses.replace(done, missing=found.missing, warnings=found.warnings)


def _no_archive(found: Status) -> str:
    if isinstance(found, Failed):
        return f"The job failed, so there is no archive: {found.detail} [{found.code}]"
    return f"There is no archive: the job is {found.status}."


class _Download:
    """One download, across all its requests."""

    def __init__(
        self,
        context: CallContext,
        hash_: str,
        part: PartFile,
        expected: int | None,
        on_bytes: Callable[[int, int], None] | None,
    ) -> None:
        self._context = context
        self._hash = hash_
        self._part = part
        self._expected = expected
        self._on_bytes = on_bytes
        # A caller that knows the size has just heard from the server: it is worth waiting for.
        self._backoff = context.backoff(None if expected is None else context.retry_timeout)
        self._starts = 0
        self._from_start = False
        self._rejected: str | None = None

    @property
    def etag(self) -> str | None:
        """The entity tag of the version that was downloaded."""
        version = self._part.held.version
        return None if version is None else version.etag

    def steps(self) -> Steps[None]:
        """Send requests until every byte has arrived."""
        while not self._part.held.is_whole:
            headers = versions.headers(self._resumed())
            request = requests.download(self._hash, headers, timeout=_READ_TIMEOUT)
            outcome = yield from stream_response(request, self._begin, self._report)
            yield from run_blocking(self._part.flush)
            if self._part.held.is_whole:
                return
            error = self._error_of(outcome)
            delay = self._backoff.next_delay(getattr(error, "retry_after", None))
            if delay is None:
                raise error
            yield self._context.retry_in(delay, str(error))

    def _resumed(self) -> Held:
        return Held() if self._from_start else self._part.held

    def _begin(self, head: ApiResponse) -> Callable[[bytes], bool] | None:
        """Decide on a body by its head, and return its consumer, or None to skip it."""
        self._rejected = None
        match versions.judge_response(self._resumed(), head, self._expected):
            case RejectBody(reason):
                self._rejected = reason
                # The server would send the same wrong part again.
                self._from_start |= head.status == HTTPStatus.PARTIAL_CONTENT
                return None
            case AcceptBody() as accepted:
                self._starts += accepted.at == 0
                if self._starts > _MAX_STARTS:
                    self._rejected = "it started over too often"
                    return None
                self._part.begin(accepted)
                self._from_start = False
                return self._write

    def _write(self, piece: bytes) -> bool:
        fits = self._part.write(piece)
        if piece:
            self._backoff.reset()
            self._backoff.limit = self._context.retry_timeout
        if not fits:
            self._rejected = "it is longer than announced"
            self._part.forget()
        return fits

    def _report(self) -> None:
        held = self._part.held
        if self._on_bytes is not None and held.version is not None:
            self._on_bytes(held.offset, held.version.size)

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
