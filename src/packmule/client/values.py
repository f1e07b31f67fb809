"""The values a client returns: a job's status, its files, its failures.

Owns their types; `reading.py` reads them from responses. Sizes are bytes, durations seconds, and
every datetime is aware and in UTC. `document` is the JSON object as the server sent it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from pathlib import Path

Link = str | tuple[str, str | None] | Mapping[str, Any]
"""A link: a URL, a pair of URL and name in the archive, or an object as the API takes it."""


class CreateOptions(TypedDict, total=False):
    """The options of `create`. The server has defaults for all of them."""

    name: str | None
    """The file name of the download."""
    on_error: Literal["fail", "skip"] | None
    """If a file cannot be fetched: fail the job, or leave out the file."""
    on_html: Literal["report", "fail"] | None
    """If a web page arrives instead of a media file: keep and report it, or fail the file."""
    compression: Literal["auto", "store", "deflate"] | None
    """Compress only what shrinks a lot, nothing, or everything that shrinks."""
    manifest: bool | Literal["bagit"] | None
    """Add `SHA256SUMS` and `sources.csv` to the archive, or make it a BagIt bag."""
    max_part_bytes: int | None
    """Split the archive into several of whole files, each of at most so many bytes."""
    webhook_url: str | None
    """Called when the job has ended, if the operator allows webhooks of jobs."""
    expires_in: float | timedelta | None
    """Seconds, or a timedelta, until the archive is removed, up to the operator's limit."""
    on_warnings: Callable[[tuple[FileWarning, ...]], None] | None
    """Called with the links that were rewritten, if there are any."""
    priority: int | None
    """Jobs with a higher priority start first."""
    idempotency_key: str | None
    """Requests with the same key create one job. Default: a new key for each call."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is. What is not known yet is None."""

    files_total: int
    files_done: int
    files_failed: int
    bytes_done: int
    bytes_total: int | None
    bytes_per_second: float
    eta_seconds: float | None


@dataclass(frozen=True, slots=True)
class FileFailure:
    """Why a file could not be fetched; docs/failure-codes.md lists the codes.

    `url` has no query, unless the request had the API key of the job's owner: `position` says which
    link it was, from 0 (None from an older server).
    """

    url: str
    name: str | None
    code: str
    detail: str
    http_status: int | None
    attempts: int
    position: int | None = None


@dataclass(frozen=True, slots=True)
class FileWarning:
    """A file that is in the archive, although something else came in its place."""

    position: int
    url: str
    name: str | None
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class SplitPart:
    """One part of a split archive: its link, its size in bytes, and how many files it holds."""

    url: str
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class InProgress:
    """The job is queued or running."""

    status: ClassVar[str] = "in-progress"
    progress: JobProgress
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Completed:
    """The archive is ready. `missing` are the files left out with `on_error="skip"`.

    `warnings` are files in whose place something else was packed, such as a web page. `parts` are
    those of an archive that was split; `url` is the first.
    """

    status: ClassVar[str] = "completed"
    url: str
    size: int
    expires_at: datetime
    missing: tuple[FileFailure, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    warnings: tuple[FileWarning, ...] = ()
    parts: tuple[SplitPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The job failed; `retry` keeps what it has. `failures` has the first ones, at most 1,000."""

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
    """The archive was removed."""

    status: ClassVar[str] = "expired"
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


Status = InProgress | Completed | Failed | Cancelled | Expired


@dataclass(frozen=True, slots=True)
class File:
    """One file of a job. `attempts` is None until that is known."""

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
class FileBatch:
    """One page of a job's files; `cursor` leads to the next page, None at the end."""

    files: tuple[File, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Archive:
    """One of the archives that `list` finds. `size` and `url` are None unless it is completed.

    `status` is one of the words of the status documents, such as `in-progress`.
    """

    archive_hash: str
    name: str
    status: str
    created_at: datetime
    size: int | None
    expires_at: datetime | None
    url: str | None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ArchiveBatch:
    """One page of archives; `cursor` leads to the next page, None at the end."""

    archives: tuple[Archive, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A finished download. `kept` of its bytes were there from an earlier run.

    `missing` are the files left out of the archive, and `warnings` those in whose place something
    else was packed; only `fetch` knows either. `paths` are the files that were written: one for
    each part of a split archive, of which `size` and `kept` are the sums, and `etag` is None.
    """

    size: int
    kept: int
    etag: str | None
    missing: tuple[FileFailure, ...] = ()
    warnings: tuple[FileWarning, ...] = ()
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """A request failed and is sent again in `delay` seconds; `detail` says why it failed."""

    detail: str
    delay: float
