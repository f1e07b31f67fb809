"""What a client must be told: few kinds, by who can act on them.

Owns the exceptions of `packmule.client`. Each is a PackmuleError: a sentence for people and a
stable `code` for programs. Faults of this machine's own disk are OSError, as `open` raises them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.errors import PackmuleError

if TYPE_CHECKING:
    from packmule.client.values import Status


class ClientError(PackmuleError):
    """Something went wrong between this program and the server."""

    code = "client"


class ServerUnreachable(ClientError):
    """Nothing answers, or answers are cut, for longer than is borne; try again later.

    What was asked may have been done, where `may_be_done` says so.
    """

    code = "server-unreachable"

    def __init__(self, message: str, *, may_be_done: bool = False) -> None:
        super().__init__(message)
        self.may_be_done = may_be_done


class BadAnswer(ClientError):
    """What answered does not speak as a Packmule server does; look at the server's address."""

    code = "bad-answer"


@dataclass(frozen=True, slots=True)
class BadItem:
    """One thing in a request that cannot be used; `where` is a JSON pointer or a parameter."""

    where: str
    detail: str


class RequestRefused(ClientError):
    """The server answered with a problem (RFC 9457).

    `code` and `detail` are the problem's, `status` is that of HTTP, `retry_after` the seconds that
    the server asked to wait, `errors` the things in the request that cannot be used.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after: float | None = None,
        errors: tuple[BadItem, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.errors = errors


class NotCompleted(ClientError):
    """The job has ended without an archive; `status` says how."""

    code = "not-completed"

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status


class WaitTimeout(ClientError, TimeoutError):
    """The job is still in progress after the time given; it goes on. `status` is the last known."""

    code = "wait-timeout"

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status


class DownloadFailed(ClientError):
    """The archive cannot be downloaded as one whole; what has come is kept where it is right."""

    code = "download-failed"
