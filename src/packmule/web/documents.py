"""From what the store knows to what is answered: status, failures, files.

Owns which state is told in which words. Pure; leaves the shapes to `schema.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from packmule.errors import HTML_PAGE_DETAIL, Failure, FailureCode
from packmule.jobs.model import JobState
from packmule.web.schema import (
    ByteCounts,
    CancelledOut,
    CompletedOut,
    ErrorOut,
    ExpiredOut,
    FailedOut,
    FailureOut,
    FileCounts,
    FileFailureOut,
    FileOut,
    InProgressOut,
    ProgressOut,
    WarningOut,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packmule.jobs.model import FileRecord, Job, Progress

Status = InProgressOut | CompletedOut | FailedOut | CancelledOut | ExpiredOut

# A status names this many failed files; the list of files has them all.
MOST_FAILURES = 1000

_PAGE = WarningOut(code="html-page", detail=HTML_PAGE_DETAIL)

# Bytes a second: what is slower stands, and at its rate the rest would take for ever.
_STANDS_BELOW = 1.0

OPEN_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})


def state_now(job: Job, now: datetime | None = None) -> JobState:
    """Give a job's state; an archive whose time is over counts as expired from that moment on."""
    moment = now or datetime.now(UTC)
    over = job.expires_at is not None and job.expires_at <= moment
    return JobState.EXPIRED if over and job.state is JobState.COMPLETED else job.state


def has_failures(job: Job) -> bool:
    """Tell whether the status names files that failed."""
    return job.progress.files_failed > 0 and state_now(job) in {
        JobState.COMPLETED,
        JobState.FAILED,
    }


def archive_url(public_url: str, hash_: str) -> str:
    """Give the address at which an archive is downloaded."""
    return f"{public_url}/archive/get/{hash_}.zip"


def status_of(
    job: Job, failures: Iterable[FileRecord], public_url: str, *, now: datetime | None = None
) -> Status:
    """Say where a job is. `failures` are its failed files, where `has_failures`."""
    match state_now(job, now):
        case JobState.QUEUED | JobState.RUNNING:
            return InProgressOut(progress=_progress(job.progress))
        case JobState.COMPLETED:
            return CompletedOut(
                url=archive_url(public_url, job.hash),
                size=job.size or 0,
                expires_at=job.expires_at or job.created_at,
                missing=_failures(failures),
            )
        case JobState.FAILED:
            failure = job.failure or Failure(FailureCode.INTERNAL, "The job failed.")
            return FailedOut(
                error=ErrorOut(code=failure.code, detail=failure.detail),
                failures=_failures(failures),
            )
        case JobState.CANCELLED:
            return CancelledOut()
        case JobState.EXPIRED:
            return ExpiredOut()


def file_of(record: FileRecord) -> FileOut:
    """Say where a file is."""
    failure = record.failure
    return FileOut(
        position=record.position,
        url=record.url,
        name=record.name or None,
        state=record.state,
        bytes=ByteCounts(done=record.bytes_done, total=record.bytes_total),
        attempts=None if failure is None else failure.attempts,
        failure=None
        if failure is None
        else FileFailureOut(
            code=failure.code,
            detail=failure.detail,
            http_status=failure.http_status,
            attempts=failure.attempts,
        ),
        warning=_PAGE if record.html_page else None,
    )


def _progress(progress: Progress) -> ProgressOut:
    return ProgressOut(
        files=FileCounts(
            total=progress.files_total, done=progress.files_done, failed=progress.files_failed
        ),
        bytes=ByteCounts(done=progress.bytes_done, total=progress.bytes_total),
        bytes_per_second=round(progress.bytes_per_second, 1),
        eta_seconds=_eta(progress),
    )


def _eta(progress: Progress) -> float | None:
    """Say how long the rest takes at the present rate; None where that cannot be told.

    While a length is unknown or the job stands; and when all bytes are there, for then the archive
    is being finished and published, which is another matter than fetching.
    """
    if progress.bytes_total is None or progress.bytes_per_second < _STANDS_BELOW:
        return None
    left = progress.bytes_total - progress.bytes_done
    return round(left / progress.bytes_per_second, 1) if left > 0 else None


def _failures(records: Iterable[FileRecord]) -> list[FailureOut]:
    return [
        FailureOut(
            url=record.url,
            name=record.name or None,
            code=record.failure.code,
            detail=record.failure.detail,
            http_status=record.failure.http_status,
            attempts=record.failure.attempts,
        )
        for record in records
        if record.failure is not None
    ]
