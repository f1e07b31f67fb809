"""The shapes of the API: what may be sent, and what is answered.

Owns the structure of every document and its words in the OpenAPI description. Leaves the check of
the links themselves to `intake.py`, what is answered when to `documents.py`.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from packmule.errors import FailureCode
from packmule.jobs.model import Compression, FileState, OnError, OnHtml

MAX_NAME = 255
MAX_ENTRY_NAME = 1024
MAX_PRIORITY = 100
# A database cannot hold the character; JSON and the URL syntax already exclude lone surrogates.
NO_NUL = r"^[^\x00]*$"


class _In(BaseModel):
    """What is sent is taken as it is: no unknown field, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class Link(_In):
    """A link with the name of its file in the archive."""

    url: str = Field(description="The link; http or https.")
    name: Annotated[str, Field(min_length=1, max_length=MAX_ENTRY_NAME, pattern=NO_NUL)] | None = (
        Field(
            default=None,
            description="The file's name in the archive, with folders.",
            examples=["2024/a.png"],
        )
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
    """A job: which links become one archive."""

    urls: list[Item] = Field(
        min_length=1, description="The links; strings and objects may be mixed."
    )
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = Field(
        default=None,
        description="The archive's file name at its download; by default its hash.",
        examples=["holiday.zip"],
    )
    on_error: OnError = Field(
        default=OnError.FAIL,
        description="Where a file cannot be fetched: `fail` the job, or `skip` the file.",
    )
    on_html: OnHtml = Field(
        default=OnHtml.REPORT,
        description="Where an HTML page comes although the file's name announces media: `report` "
        "keeps it with a warning in the file's record, `fail` counts it as failed.",
    )
    compression: Compression = Field(
        default=Compression.AUTO,
        description="`auto` stores media and archives and deflates text.",
    )
    webhook_url: str | None = Field(
        default=None,
        description="Is told when the job has ended; only where the operator allows it.",
    )
    expires_in: Annotated[float, Field(ge=1)] | None = Field(
        default=None,
        description="Seconds until the archive is removed, up to the operator's limit.",
    )
    priority: int = Field(
        default=0,
        ge=-MAX_PRIORITY,
        le=MAX_PRIORITY,
        description="Among the client's own jobs: higher ones begin first and have more transfers.",
    )


class RetryIn(_In):
    """How a failed job is tried again."""

    on_error: OnError | None = Field(
        default=None, description="`skip` completes the job without what fails again."
    )


class CreatedOut(_Out):
    """A job was accepted."""

    archive_hash: str = Field(description="The job's name, 128 random bits: who has it may read.")


class FailureOut(_Out):
    """A file that could not be fetched."""

    url: str
    name: str | None = Field(description="Its name in the archive, where that was known.")
    code: FailureCode
    detail: str
    http_status: int | None = Field(description="The origin's last status, where there was one.")
    attempts: int


class FileCounts(_Out):
    """How many files."""

    total: int
    done: int
    failed: int


class ByteCounts(_Out):
    """How many bytes; the total is null until every file's length is known."""

    done: int
    total: int | None


class ProgressOut(_Out):
    """How far a job is."""

    files: FileCounts
    bytes: ByteCounts
    bytes_per_second: float
    eta_seconds: float | None = Field(
        description="Null while a length is unknown, nothing comes, or all bytes are there and the "
        "archive is being finished."
    )


class _StatusOut(_Out):
    # `status` is in every answer: without it being required, a document of anything is any of them.
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class InProgressOut(_StatusOut):
    """The job waits or is in work."""

    status: Literal["in-progress"] = "in-progress"
    progress: ProgressOut


class CompletedOut(_StatusOut):
    """The archive is there."""

    status: Literal["completed"] = "completed"
    url: str
    size: int
    expires_at: datetime
    missing: list[FailureOut] = Field(description="Files left out, with `on_error: skip`.")


class ErrorOut(_Out):
    """Why a job failed."""

    code: FailureCode
    detail: str


class FailedOut(_StatusOut):
    """The job failed; `retry` keeps what it has."""

    status: Literal["failed"] = "failed"
    error: ErrorOut
    failures: list[FailureOut] = Field(
        description="The first thousand; `/api/archive/files` lists all."
    )


class CancelledOut(_StatusOut):
    """The job was cancelled."""

    status: Literal["cancelled"] = "cancelled"


class ExpiredOut(_StatusOut):
    """The archive was there and has been removed."""

    status: Literal["expired"] = "expired"


StatusOut = Annotated[
    InProgressOut | CompletedOut | FailedOut | CancelledOut | ExpiredOut,
    Field(discriminator="status"),
]


class FileFailureOut(_Out):
    """Why a file failed."""

    code: FailureCode
    detail: str
    http_status: int | None
    attempts: int


class WarningOut(_Out):
    """Something about a file in the archive that is worth a look."""

    code: Literal["html-page"]
    detail: str


class FileOut(_Out):
    """One file of a job."""

    position: int = Field(description="Its place in the list of links, from 0.")
    url: str
    name: str | None
    state: FileState
    bytes: ByteCounts
    attempts: int | None = Field(description="Tries that were made; null until that is known.")
    failure: FileFailureOut | None
    warning: WarningOut | None = Field(
        description="`html-page`: it came as a web page where media was announced."
    )


class FilesOut(_Out):
    """Some files of a job, by position; `cursor` asks for the next ones, null at the end."""

    files: list[FileOut]
    cursor: str | None


class ChangedFilesOut(_Out):
    """Files as they are after a change; those that changed longest ago come first."""

    files: list[FileOut]


class BadItemOut(_Out):
    """One thing in a request that cannot be used."""

    pointer: str | None = Field(default=None, description="JSON pointer (RFC 6901) into the body.")
    parameter: str | None = Field(default=None, description="Or the parameter's name.")
    detail: str


class ProblemOut(_Out):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; what a program decides by.")
    errors: list[BadItemOut] | None = Field(
        default=None, description="At most 50 of the bad items."
    )
