"""The request and response documents of the API.

Owns the structure of every document and its description in OpenAPI. Leaves checking links to
`intake.py`, and filling in responses to `documents.py`.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from packmule.errors import FailureCode, WarningCode
from packmule.jobs.expected import MAX_SIZE, MD5_PATTERN, SHA256_PATTERN
from packmule.jobs.model import Compression, FileState, OnError, OnHtml

MAX_NAME = 255
MAX_ENTRY_NAME = 1024
MAX_PRIORITY = 100
LEAST_PART = 1_000_000
MOST_PART = 10_000_000_000_000
"""Bounds of `max_part_bytes`."""
# A database cannot hold the character; JSON and the URL syntax already exclude lone surrogates.
NO_NUL = r"^[^\x00]*$"


class _In(BaseModel):
    """A request body: no unknown fields, and no conversion between types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class Link(_In):
    """A link with the name of its file in the archive, and what is known of the file."""

    url: str = Field(description="The URL; http or https.")
    name: Annotated[str, Field(min_length=1, max_length=MAX_ENTRY_NAME, pattern=NO_NUL)] | None = (
        Field(
            default=None,
            description="The file's name in the archive; it may contain folders.",
            examples=["2024/a.png"],
        )
    )
    sha256: Annotated[str, Field(pattern=SHA256_PATTERN)] | None = Field(
        default=None, description="The file's SHA-256 in hexadecimal digits; it is verified."
    )
    md5: Annotated[str, Field(pattern=MD5_PATTERN)] | None = Field(
        default=None, description="The file's MD5 in hexadecimal digits; it is verified."
    )
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)] | None = Field(
        default=None, description="The file's size in bytes; it is verified."
    )


def _kind(item: Any) -> str | None:
    if isinstance(item, str):
        return "link"
    return "object" if isinstance(item, dict | Link) else None


Item = Annotated[
    Annotated[str, Tag("link")] | Annotated[Link, Tag("object")],
    Discriminator(
        _kind,
        custom_error_type="link_or_object",
        custom_error_message="is neither a link nor an object with `url` and `name`",
    ),
]


class CreateIn(_In):
    """A job: the links that become one archive."""

    urls: list[Item] = Field(min_length=1, description="The links, as strings or objects.")
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = Field(
        default=None,
        description="The file name of the download; the hash by default.",
        examples=["holiday.zip"],
    )
    on_error: OnError = Field(
        default=OnError.FAIL,
        description="What to do if a file cannot be fetched: `fail` the job, or `skip` the file.",
    )
    on_html: OnHtml = Field(
        default=OnHtml.REPORT,
        description="What to do with a web page if the link does not announce one: `report` keeps "
        "it and adds a warning to the file, `fail` counts the file as failed.",
    )
    compression: Compression = Field(
        default=Compression.AUTO,
        description="`auto` compresses only what shrinks, `store` compresses nothing, `deflate` "
        "compresses everything that shrinks.",
    )
    manifest: bool | Literal["bagit"] = Field(
        default=False,
        description="`true` adds `SHA256SUMS` and `sources.csv` to the archive; `bagit` makes it a "
        "BagIt bag (RFC 8493).",
    )
    max_part_bytes: Annotated[int, Field(ge=LEAST_PART, le=MOST_PART)] | None = Field(
        default=None,
        description="Split the archive into several ZIP archives of at most this many bytes, each "
        "of whole files; a larger file gets a part to itself. Not together with `manifest`.",
    )
    webhook_url: str | None = Field(
        default=None,
        description="Receives a message when the job ends; only if the operator allows it.",
    )
    expires_in: Annotated[float, Field(ge=1)] | None = Field(
        default=None,
        description="Seconds until the archive is deleted, up to the server's limit.",
    )
    priority: int = Field(
        default=0,
        ge=-MAX_PRIORITY,
        le=MAX_PRIORITY,
        description="Priority among the client's own jobs: a higher one starts first and gets "
        "more transfers.",
    )


class RetryIn(_In):
    """How to retry a failed job."""

    on_error: OnError | None = Field(
        default=None, description="`skip` completes the job without the files that fail again."
    )
    positions: list[Annotated[int, Field(ge=0)]] | None = Field(
        default=None,
        description="The positions of the failed files to try again, beside those in `urls`; all "
        "failed files by default.",
    )
    urls: dict[str, str] | None = Field(
        default=None,
        description="New links for failed files, by position. A file of which some came before "
        "goes on from there if the new link has the same strong ETag and length.",
        examples=[{"3": "https://example.org/c.png?signature=new"}],
    )


class LinkWarningOut(_Out):
    """A link that is not fetched as it was given, or that expires soon."""

    position: int = Field(description="Its position in the list of links, from 0.")
    url: str = Field(description="The link as it was given.")
    name: str | None = Field(description="The name that was given for its file.")
    code: Literal["rewritten", "expires-soon"]
    detail: str


class CreatedOut(_Out):
    """The job was accepted."""

    archive_hash: str = Field(
        description="The job's ID: 128 random bits. Anyone who has it can read the archive."
    )
    warnings: list[LinkWarningOut] = Field(
        default=[],
        description="The first 1,000 links that were rewritten, because they are share links, or "
        "that expire within an hour.",
    )


_SHOWN_URL = "Without query and user info, unless the request has the API key of the job's owner."


class FailureOut(_Out):
    """A file that could not be fetched."""

    position: int = Field(description="Its link's position in the request, from 0.")
    url: str = Field(description=_SHOWN_URL)
    name: str | None = Field(description="Its name in the archive, if known.")
    code: FailureCode
    detail: str
    http_status: int | None = Field(description="The origin's last HTTP status, if any.")
    attempts: int


class FileWarningOut(_Out):
    """A file that is in the archive, although something else came in its place."""

    position: int = Field(description="Its position in the list of links, from 0.")
    url: str
    name: str | None = Field(description="Its name in the archive.")
    code: WarningCode
    detail: str


class FileCounts(_Out):
    """Numbers of files."""

    total: int
    done: int
    failed: int


class ByteCounts(_Out):
    """Numbers of bytes; the total is null until a length is known."""

    done: int
    total: int | None


class ProgressOut(_Out):
    """Progress of a job."""

    files: FileCounts
    bytes: ByteCounts
    bytes_per_second: float
    eta_seconds: float | None = Field(
        description="Null while no length is known, while nothing arrives, and while the "
        "finished archive is being published."
    )
    total_is_estimate: bool = Field(
        default=False,
        description="Whether some lengths are unknown, so that `bytes.total` counts those files "
        "as long as the others.",
    )


class _StatusOut(_Out):
    # Required, because without `status` any document would match every one of these.
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class RetryingOut(_Out):
    """A file that waits for its next attempt."""

    position: int = Field(description="Its position in the list of links, from 0.")
    name: str | None
    code: FailureCode = Field(description="Why its last attempt failed.")
    detail: str
    attempts: int
    next_attempt_at: datetime


class WaitingOut(_Out):
    """The job cannot go on for now, and is run again by itself."""

    code: FailureCode = Field(description="Why: `storage`, the object store cannot be used.")
    detail: str
    since: datetime


class PartOut(_Out):
    """A complete part of a split archive."""

    url: str
    size: int
    files: int = Field(description="How many of the files are in it.")


_PARTS = "If the archive is split: the parts that are complete, in the order in which they were."


class InProgressOut(_StatusOut):
    """The job is queued or running."""

    status: Literal["in-progress"] = "in-progress"
    progress: ProgressOut
    retrying: list[RetryingOut] = Field(
        description="Files that wait for their next attempt, the soonest first; at most 20."
    )
    waiting: WaitingOut | None = Field(
        default=None, description="Why the whole job waits, if it does."
    )
    finishing: bool = Field(
        default=False,
        description="`finish` was called: nothing more is fetched, and the archive is being made.",
    )
    parts: list[PartOut] | None = Field(default=None, description=_PARTS)


class CompletedOut(_StatusOut):
    """The archive is ready."""

    status: Literal["completed"] = "completed"
    url: str = Field(description="Where to download it; if it is split, its first part.")
    size: int = Field(description="Its size in bytes; if it is split, that of all parts together.")
    expires_at: datetime
    missing: list[FailureOut] = Field(
        description="Files that were left out: with `on_error: skip` those that failed, after "
        "`finish` also those that were not fetched yet."
    )
    warnings: list[FileWarningOut] = Field(
        default=[],
        description="The first 1,000 files in whose place something else was packed, such as a web "
        "page.",
    )
    parts: list[PartOut] | None = Field(default=None, description=_PARTS)


class ErrorOut(_Out):
    """Why a job failed."""

    code: FailureCode
    detail: str


class FailedOut(_StatusOut):
    """The job failed; `retry` keeps what it has downloaded."""

    status: Literal["failed"] = "failed"
    error: ErrorOut
    files: FileCounts = Field(
        description="How many files there are, and how many of them are packed: `finish` makes an "
        "archive of these."
    )
    failures: list[FailureOut] = Field(
        description="The first ones, at most 1,000; `/api/archive/files` lists all."
    )
    parts: list[PartOut] | None = Field(default=None, description=_PARTS)


class CancelledOut(_StatusOut):
    """The job was cancelled."""

    status: Literal["cancelled"] = "cancelled"


class ExpiredOut(_StatusOut):
    """The archive was deleted after its time."""

    status: Literal["expired"] = "expired"


StatusOut = Annotated[
    InProgressOut | CompletedOut | FailedOut | CancelledOut | ExpiredOut,
    Field(discriminator="status"),
]


StatusWord = Literal["in-progress", "completed", "failed", "cancelled", "expired"]


class ArchiveOut(_Out):
    """One of a client's archives. `size` and `url` are null unless it is completed."""

    archive_hash: str
    name: str = Field(description="The file name of the download.")
    status: StatusWord
    created_at: datetime
    size: int | None = Field(description="Bytes.")
    expires_at: datetime | None = Field(
        description="When the archive, or what a failed or cancelled job keeps, is removed. Null "
        "while in progress."
    )
    url: str | None = Field(description="Where to download the archive.")


class ArchivesOut(_Out):
    """A page of a client's archives, the newest first."""

    archives: list[ArchiveOut]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class FileFailureOut(_Out):
    """Why a file failed."""

    code: FailureCode
    detail: str
    http_status: int | None
    attempts: int


class WarningOut(_Out):
    """A warning about a file in the archive."""

    code: WarningCode
    detail: str


class FileOut(_Out):
    """One file of a job."""

    position: int = Field(description="Its position in the list of links, from 0.")
    url: str = Field(description=_SHOWN_URL)
    name: str | None
    state: FileState
    bytes: ByteCounts
    attempts: int | None = Field(description="Number of attempts; null until known.")
    failure: FileFailureOut | None = Field(
        description="Why it failed; of one of the files in `retrying`, why its last attempt did."
    )
    next_attempt_at: datetime | None = Field(
        description="When one of the files in `retrying` is tried again; otherwise null."
    )
    warning: WarningOut | None = Field(
        description="What was packed in the file's place: `html-page`, `lfs-pointer`, "
        "`unexpected-text` or `empty-file`."
    )


class FilesOut(_Out):
    """A page of a job's files, by position; pass `cursor` to get the next page. Null at the end."""

    files: list[FileOut]
    cursor: str | None


class ChangedFilesOut(_Out):
    """Files that have changed, in their latest state; the least recently changed first."""

    files: list[FileOut]


class BadItemOut(_Out):
    """An invalid item of a request."""

    pointer: str | None = Field(default=None, description="JSON pointer (RFC 6901) into the body.")
    parameter: str | None = Field(default=None, description="Or the name of the parameter.")
    detail: str


class ProblemOut(_Out):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; use it in programs.")
    errors: list[BadItemOut] | None = Field(default=None, description="The first 50 invalid items.")
