"""What the server tells, as values: the status of a job, its files, its failures.

Owns their types. Leaves reading them out of answers to `reading.py`. Sizes are bytes, times are
seconds, moments are aware UTC. What a newer server tells besides is in `document`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

if TYPE_CHECKING:
    from datetime import datetime

Link = str | tuple[str, str | None] | Mapping[str, Any]
"""A link to fetch: a URL, a pair of URL and name in the archive, or an object of the API."""


class CreateOptions(TypedDict, total=False):
    """What may be asked of an archive beside its links; the server's own defaults else."""

    name: str | None
    """The archive's file name at its download."""
    on_error: str | None
    """Where a file cannot be fetched: `fail` the job, or `skip` the file."""
    on_html: str | None
    """Where an HTML page comes in place of media: `report` it, or `fail` the file."""
    compression: str | None
    """`auto`, `store` or `deflate`."""
    webhook_url: str | None
    """Is told when the job has ended; only where the operator allows it."""
    expires_in: float | None
    """Seconds until the archive is removed, up to the operator's limit."""
    priority: int | None
    """Higher ones begin first."""
    idempotency_key: str | None
    """The same key with the same request is one job; by default a new one each time."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is; what is not known yet is None."""

    files_total: int
    files_done: int
    files_failed: int
    bytes_done: int
    bytes_total: int | None
    bytes_per_second: float
    eta_seconds: float | None


@dataclass(frozen=True, slots=True)
class FileFailure:
    """Why a file could not be fetched; `code` is one of docs/failure-codes.md."""

    url: str
    name: str | None
    code: str
    detail: str
    http_status: int | None
    attempts: int


@dataclass(frozen=True, slots=True)
class InProgress:
    """The job waits or is in work."""

    status: ClassVar[str] = "in-progress"
    progress: Progress
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Completed:
    """The archive is there. `missing` are the files left out, with `on_error="skip"`."""

    status: ClassVar[str] = "completed"
    url: str
    size: int
    expires_at: datetime
    missing: tuple[FileFailure, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """The job failed; `retry` keeps what it has. `failures` are the first thousand."""

    status: ClassVar[str] = "failed"
    code: str
    detail: str
    failures: tuple[FileFailure, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The job was cancelled."""

    status: ClassVar[str] = "cancelled"
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Expired:
    """The archive was there and has been removed."""

    status: ClassVar[str] = "expired"
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


Status = InProgress | Completed | Failed | Cancelled | Expired


@dataclass(frozen=True, slots=True)
class File:
    """One file of a job. `attempts` is None until it is known."""

    position: int
    url: str
    name: str | None
    state: str
    bytes_done: int
    bytes_total: int | None
    attempts: int | None
    failure: FileFailure | None
    warning: str | None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class FilePage:
    """Some files of a job; `cursor` asks for the next ones, None at the end."""

    files: tuple[File, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Downloaded:
    """An archive was downloaded. `kept` of its bytes were there from an earlier run.

    `missing` are the files left out of it, where `fetch` has learned that.
    """

    size: int
    kept: int
    etag: str | None
    missing: tuple[FileFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A try failed and another follows, in `pause` seconds; `detail` says why."""

    detail: str
    pause: float
