"""The exceptions of the client, divided by who can act on them.

Owns the exceptions of `packmule.client`. Each is a PackmuleError: a message for people and a
stable `code` for programs. An error of the local disk is an OSError, as `open` raises it.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.errors import PackmuleError

if TYPE_CHECKING:
    from packmule.client.values import Status


class ClientError(PackmuleError):
    """Something went wrong between this program and the server."""

    code = "client-error"


class ConnectionError(ClientError, builtins.ConnectionError):
    """The server could not be reached, or its responses were cut, until the retries ran out.

    Try again later. `may_be_done` is True if the request may have taken effect all the same.
    """

    code = "connection-error"

    def __init__(self, message: str, *, may_be_done: bool = False) -> None:
        super().__init__(message)
        self.may_be_done = may_be_done


class InvalidResponseError(ClientError):
    """The response is not one that a Packmule server sends. Check the server's address."""

    code = "invalid-response"


@dataclass(frozen=True, slots=True)
class InvalidField:
    """One invalid part of a request. `where` is a JSON pointer or a parameter's name."""

    where: str
    detail: str


class APIStatusError(ClientError):
    """The server refused the request with a problem document (RFC 9457).

    `status_code` is the HTTP status, `code` and `detail` are those of the problem, `retry_after`
    is the number of seconds the server asked to wait, `errors` are the invalid parts of the
    request.
    """

    def __init__(
        self,
        status_code: int,
        code: str,
        detail: str,
        *,
        retry_after: float | None = None,
        errors: tuple[InvalidField, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status_code = status_code
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.errors = errors


class NotCompleted(ClientError):
    """The job ended without an archive; `status` says how."""

    code = "not-completed"

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status


class WaitTimeout(ClientError, TimeoutError):
    """The job was still in progress at the timeout, and goes on. `status` is the last one known."""

    code = "wait-timeout"

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status


class DownloadFailed(ClientError):
    """The archive could not be downloaded. What was received correctly is kept for the next try."""

    code = "download-failed"
