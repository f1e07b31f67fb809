"""What can go wrong, by who can act on it; every failure carries a stable code.

A file that cannot be fetched is no exception: it is a value, `Failure`, because the job goes on.
Exceptions are for what stops the caller. Foreign exceptions are translated once, at the border
where they enter; nothing here knows HTTP or SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from packmule.foreign_text import clipped

MAX_DETAIL: Final = 500
"""Characters of a failure's detail."""


class FailureCode(StrEnum):
    """Why a file, or a whole job, failed: part of the contract, never renamed."""

    URL_INVALID = "url-invalid"
    ADDRESS_NOT_ALLOWED = "address-not-allowed"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    HTTP_STATUS = "http-status"
    REDIRECTS = "redirects"
    BAD_RESPONSE = "bad-response"
    TRUNCATED = "truncated"
    CHANGED = "changed"
    TOO_LARGE = "too-large"
    NAME_INVALID = "name-invalid"
    HTML_PAGE = "html-page"
    VIEWER_PAGE = "viewer-page"
    LEFT_OUT = "left-out"
    CHECKSUM = "checksum"
    # Of a whole job:
    FILES_FAILED = "files-failed"
    ARCHIVE_TOO_LARGE = "archive-too-large"
    DISK_FULL = "disk-full"
    STORAGE = "storage"
    QUARANTINED = "quarantined"
    INTERNAL = "internal"


class WarningCode(StrEnum):
    """What came in a file's place and was packed all the same: part of the contract."""

    HTML_PAGE = "html-page"
    LFS_POINTER = "lfs-pointer"
    UNEXPECTED_TEXT = "unexpected-text"
    EMPTY_FILE = "empty-file"


WARNING_DETAILS = {
    WarningCode.HTML_PAGE: "expected a file but got a web page: open the link in a browser to see "
    "whether it asks for a login or has expired",
    WarningCode.LFS_POINTER: "got a Git LFS pointer, not the file it stands for: use the link that "
    "the repository's page gives for the download",
    WarningCode.UNEXPECTED_TEXT: "got a short text although the name announces another type, "
    "perhaps an error message: open the file to read it",
    WarningCode.EMPTY_FILE: "got an empty file although the name announces a type that cannot be "
    "empty: open the link in a browser to see whether the file is there",
}
"""One sentence for people on each."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file or a job failed for good.

    `detail` is one sentence for people: what failed, why, what to do; never a URL's query. It may
    quote what an origin or a store sent, so it is made printable and at most `MAX_DETAIL` long.
    `http_status` is the origin's last status, where there was one. `attempts` counts the tries.
    """

    code: FailureCode
    detail: str
    http_status: int | None = None
    attempts: int = 0

    def __post_init__(self) -> None:
        # Here and nowhere else: whoever makes a failure cannot forget it.
        object.__setattr__(self, "detail", clipped(self.detail, MAX_DETAIL))


class PackmuleError(Exception):
    """Something the caller must be told; `code` is stable, the message is for people."""

    code = "internal"


class UsageError(PackmuleError):
    """What was asked for cannot be done as asked; the caller can fix it."""

    code = "usage"


class SettingInvalid(UsageError):
    """A setting's value is not of its form; the operator can fix it."""

    code = "setting-invalid"


class NotFound(PackmuleError):
    """There is no job of that hash."""

    code = "not-found"


class NoThread(PackmuleError):
    """The system starts no more threads for this process; the operator can give it more."""

    code = "no-thread"


class StaleAttempt(PackmuleError):
    """Another attempt has taken this job over; this one must stop and leave no trace."""

    code = "stale-attempt"


class NotAllowedInState(PackmuleError):
    """The job's state does not allow that transition."""

    code = "wrong-state"


class NotFailedFiles(PackmuleError):
    """A retry asked for files that have not failed; `positions` says which."""

    code = "invalid-request"

    def __init__(self, positions: frozenset[int]) -> None:
        listed = ", ".join(map(str, sorted(positions)[:20]))
        super().__init__(f"Only failed files can be tried again; these have not failed: {listed}.")
        self.positions = positions


class Conflict(PackmuleError):
    """The same idempotency key came with another request."""

    code = "idempotency-conflict"


class QuotaExceeded(PackmuleError):
    """A client has as much as it may have at once; `retry_after` says when less, in seconds."""

    code = "quota-exceeded"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DiskFull(PackmuleError):
    """The disk has no room for what was to be written; free some, then retry.

    `wanted` is how many bytes would have to be free to go on, where that is known; `in_all` how
    many for everything that is announced.
    """

    code = "disk-full"

    def __init__(self, message: str, wanted: int | None = None, in_all: int = 0) -> None:
        super().__init__(message)
        self.wanted = wanted
        self.in_all = in_all


class ArchiveTooLarge(PackmuleError):
    """The archive would exceed the operator's limit; ask for less, or in parts."""

    code = "archive-too-large"


class StorageFailed(PackmuleError):
    """The disk or the object store refused a read or a write; the message may quote either."""

    code = "storage"

    def __init__(self, message: str) -> None:
        super().__init__(clipped(message, MAX_DETAIL))


class StorageAway(StorageFailed):
    """The object store cannot be reached for now; the same again, a while later, may succeed."""


class UploadLost(StorageFailed):
    """The object store has lost parts of an archive; what was in them is to be fetched again."""


class DatabaseAway(StorageFailed):
    """The job database cannot be reached for now; the same again, a moment later, may succeed.

    `reason` is what the driver said, for the operator; the message is for clients too.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = clipped(reason, MAX_DETAIL)


class DatabaseRefused(DatabaseAway):
    """The job database does not let this program in as it is set; the operator can fix that.

    While the service runs it waits, as for one that is away: a password may just be changing.
    """
