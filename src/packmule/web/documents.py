"""Response documents: the status of a job, its failures and its files, from what the store knows.

A link's query and user info may be secrets, such as a signature: they are left out unless
`whole_urls` says that the reader is the job's owner. Positions say which link each one was.

Leaves the shapes to `schema.py`. Pure, except for `status_document`, which reads from the store.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from packmule.errors import WARNING_DETAILS, Failure, FailureCode
from packmule.jobs.model import FileState, JobState
from packmule.outbound.expired_links import expires_soon
from packmule.outbound.share_links import rewrite
from packmule.web.public_path import public_path
from packmule.web.schema import (
    ArchiveOut,
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
    FileWarningOut,
    InProgressOut,
    LinkWarningOut,
    PartOut,
    ProgressOut,
    RetryingOut,
    StatusWord,
    WaitingOut,
    WarningOut,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packmule.jobs.model import (
        ArchivePart,
        FileRecord,
        Job,
        Progress,
        Source,
        StorageWait,
        WaitingFile,
    )
    from packmule.jobs.store import JobStore

Status = InProgressOut | CompletedOut | FailedOut | CancelledOut | ExpiredOut

# A status lists this many failed files, of less than so many characters in all, and at least one;
# `/files` has them all.
MOST_FAILURES = 1000
MOST_FAILURE_CHARACTERS = 1_000_000

_EXPIRES_SOON = (
    "This link expires within an hour, or has expired. If it expires before the file is complete, "
    "retry under a new link"
)

# Bytes per second: below this a job counts as stalled, and its rate gives no estimate.
_STANDS_BELOW = 1.0

OPEN_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})

STATES: dict[StatusWord, frozenset[JobState]] = {
    "in-progress": OPEN_STATES,
    "completed": frozenset({JobState.COMPLETED}),
    "failed": frozenset({JobState.FAILED}),
    "cancelled": frozenset({JobState.CANCELLED}),
    "expired": frozenset({JobState.EXPIRED}),
}
"""The states of a job that each status stands for."""

_WORDS = {state: word for word, states in STATES.items() for state in states}


def state_now(job: Job, now: datetime | None = None) -> JobState:
    """Return a job's state; an archive counts as expired from the moment its time is over."""
    moment = now or datetime.now(UTC)
    over = job.expires_at is not None and job.expires_at <= moment
    return JobState.EXPIRED if over and job.state is JobState.COMPLETED else job.state


def has_failures(job: Job) -> bool:
    """Return whether the status lists failed files."""
    return job.progress.files_failed > 0 and state_now(job) in {
        JobState.COMPLETED,
        JobState.FAILED,
    }


def archive_of(job: Job, public_url: str, now: datetime) -> ArchiveOut:
    """Return a job as its client's list has it."""
    state = state_now(job, now)
    completed = state is JobState.COMPLETED
    return ArchiveOut(
        archive_hash=job.hash,
        name=job.name or f"{job.hash}.zip",
        status=_WORDS[state],
        created_at=job.created_at,
        size=job.size if completed else None,
        expires_at=job.expires_at,
        url=archive_url(public_url, job.hash) if completed else None,
    )


def archive_url(public_url: str, hash_: str) -> str:
    """Return an archive's download URL."""
    return f"{public_url}/archive/get/{hash_}.zip"


def download_name(job: Job, part: int | None) -> str:
    """Return what a download is called: a part has its number before the extension."""
    name = job.name or f"{job.hash}.zip"
    return name if part is None else f"{name[:-4]}-{part}{name[-4:]}"


def part_url(public_url: str, hash_: str, number: int) -> str:
    """Return the download URL of a split archive's part; the first one's is the archive's."""
    if number == 1:
        return archive_url(public_url, hash_)
    return f"{public_url}/archive/get/{hash_}/parts/{number}"


def part_of(public_url: str, hash_: str, part: ArchivePart) -> PartOut:
    """Return the document of a complete part."""
    url = part_url(public_url, hash_, part.number)
    return PartOut(url=url, size=part.size, files=part.files)


def split_parts(job: Job, parts: Sequence[ArchivePart]) -> Sequence[ArchivePart] | None:
    """Return the parts of a job's archive; None where it is not split.

    In a fleet of several releases one that knows no parts may have packed the archive whole.
    """
    if job.max_part_bytes is None:
        return None
    is_whole = job.etag is not None and not any(part.etag == job.etag for part in parts)
    return None if is_whole else parts


def status_path(public_url: str, hash_: str) -> str:
    """Return the path of a job's status, for `Location`.

    Without scheme and host, so that it also holds for clients that use another name of the service.
    """
    return f"{public_path(public_url)}/api/archive/status/{hash_}"


def status_of(
    job: Job,
    failures: Iterable[FileRecord],
    public_url: str,
    *,
    whole_urls: bool = False,
    warnings: Iterable[FileRecord] = (),
    parts: Sequence[ArchivePart] = (),
    now: datetime | None = None,
) -> Status:
    """Return the status of a job. `failures` are its failed files, if `has_failures`.

    `warnings` are the packed files with a warning, of a completed job, `parts` those complete.
    """
    split = split_parts(job, parts)
    listed = None if split is None else [part_of(public_url, job.hash, one) for one in split]
    match state_now(job, now):
        case JobState.QUEUED | JobState.RUNNING:
            return InProgressOut(
                progress=_progress(job.progress),
                retrying=[*map(_retrying, job.progress.waiting)],
                waiting=None if job.storage_wait is None else _waiting(job.storage_wait),
                finishing=job.finishing,
                parts=listed,
            )
        case JobState.COMPLETED:
            return CompletedOut(
                url=archive_url(public_url, job.hash),
                size=job.size or 0,
                expires_at=job.expires_at or job.created_at,
                missing=_failures(failures, whole_urls=whole_urls),
                warnings=_warnings(warnings, whole_urls=whole_urls),
                parts=listed,
            )
        case JobState.FAILED:
            failure = job.failure or Failure(FailureCode.INTERNAL, "The job failed.")
            return FailedOut(
                error=ErrorOut(code=failure.code, detail=failure.detail),
                files=_counts(job.progress),
                failures=_failures(failures, whole_urls=whole_urls),
                parts=listed,
            )
        case JobState.CANCELLED:
            return CancelledOut()
        case JobState.EXPIRED:
            return ExpiredOut()


def status_document(
    store: JobStore, job: Job, public_url: str, *, whole_urls: bool = False
) -> Status:
    """Return where a job is, with its failed files and warnings if it has ended."""
    failures = store.failures(job.id, MOST_FAILURES) if has_failures(job) else ()
    completed = state_now(job) is JobState.COMPLETED
    warnings = store.warnings(job.id, MOST_FAILURES) if completed else ()
    parts = () if job.max_part_bytes is None else store.archive_parts(job.id)
    return status_of(
        job, failures, public_url, whole_urls=whole_urls, warnings=warnings, parts=parts
    )


def link_warnings(
    sources: Iterable[Source], rules: frozenset[str], now: float
) -> list[LinkWarningOut]:
    """Return a warning of the first links that are rewritten, or expire soon."""
    return list(islice(_link_warnings(sources, rules, now), MOST_FAILURES))


def _link_warnings(
    sources: Iterable[Source], rules: frozenset[str], now: float
) -> Iterator[LinkWarningOut]:
    for position, url, name, _ in sources:
        if (new := rewrite(url, rules)) is not None:
            detail = (
                "This is a share link, so the file is fetched from "
                f"{_shown(new.url, whole=False)} (rule {new.rule})"
            )
            yield LinkWarningOut(
                position=position, url=url, name=name, code="rewritten", detail=detail
            )
        elif expires_soon(url, now):
            yield LinkWarningOut(
                position=position, url=url, name=name, code="expires-soon", detail=_EXPIRES_SOON
            )


def waiting_files(job: Job) -> dict[int, WaitingFile]:
    """Return the files of a job that wait for their next attempt, by position."""
    if state_now(job) not in OPEN_STATES:
        return {}
    return {file.position: file for file in job.progress.waiting}


def file_of(
    record: FileRecord, waiting: WaitingFile | None = None, *, whole_urls: bool = False
) -> FileOut:
    """Return the state of a file; `waiting` where it is known to wait for its next attempt."""
    if record.state not in {FileState.PENDING, FileState.OPEN}:
        waiting = None
    failure = record.failure if waiting is None else waiting.failure
    return FileOut(
        position=record.position,
        url=_shown(record.url, whole=whole_urls),
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
        next_attempt_at=None if waiting is None else _instant(waiting.next_attempt_at),
        warning=None
        if record.warning is None
        else WarningOut(code=record.warning, detail=WARNING_DETAILS[record.warning]),
    )


def _waiting(wait: StorageWait) -> WaitingOut:
    # The reason names what only the operator may know and can fix.
    return WaitingOut(
        code=FailureCode.STORAGE,
        detail="The storage for archives cannot be used at the moment. The job goes on by itself.",
        since=wait.since,
    )


def _retrying(file: WaitingFile) -> RetryingOut:
    return RetryingOut(
        position=file.position,
        name=file.name,
        code=file.failure.code,
        detail=file.failure.detail,
        attempts=file.failure.attempts,
        next_attempt_at=_instant(file.next_attempt_at),
    )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _progress(progress: Progress) -> ProgressOut:
    return ProgressOut(
        files=_counts(progress),
        bytes=ByteCounts(done=progress.bytes_done, total=_total(progress)),
        total_is_estimate=progress.bytes_total is None and progress.bytes_expected is not None,
        bytes_per_second=round(progress.bytes_per_second, 1),
        eta_seconds=_eta(progress),
    )


def _total(progress: Progress) -> int | None:
    known = progress.bytes_total
    return progress.bytes_expected if known is None else known


def _counts(progress: Progress) -> FileCounts:
    return FileCounts(
        total=progress.files_total, done=progress.files_done, failed=progress.files_failed
    )


def _eta(progress: Progress) -> float | None:
    """Return how many seconds the rest takes at the current rate, or None if that is unknown.

    It is unknown while no length is known or nothing arrives, and once all bytes are there: then
    the archive is being finished and published, which the rate says nothing about.
    """
    total = _total(progress)
    if total is None or progress.bytes_per_second < _STANDS_BELOW:
        return None
    left = total - progress.bytes_done
    return round(left / progress.bytes_per_second, 1) if left > 0 else None


def _shown(url: str, *, whole: bool) -> str:
    if whole:
        return url
    return re.sub(r"^([^/]*//)[^/]*@", r"\1", re.split(r"[?#]", url, maxsplit=1)[0])


def _warnings(records: Iterable[FileRecord], *, whole_urls: bool) -> list[FileWarningOut]:
    listed: list[FileWarningOut] = []
    left = MOST_FAILURE_CHARACTERS
    for record in records:
        if record.warning is None:
            continue
        url = _shown(record.url, whole=whole_urls)
        left -= len(url) + len(record.name or "")
        if left < 0:
            break
        listed.append(
            FileWarningOut(
                position=record.position,
                url=url,
                name=record.name or None,
                code=record.warning,
                detail=WARNING_DETAILS[record.warning],
            )
        )
    return listed


def _failures(records: Iterable[FileRecord], *, whole_urls: bool) -> list[FailureOut]:
    listed: list[FailureOut] = []
    left = MOST_FAILURE_CHARACTERS
    for record in records:
        if record.failure is None:
            continue
        left -= len(record.url) + len(record.name or "") + len(record.failure.detail)
        if left < 0 and listed:
            break
        listed.append(
            FailureOut(
                position=record.position,
                url=_shown(record.url, whole=whole_urls),
                name=record.name or None,
                code=record.failure.code,
                detail=record.failure.detail,
                http_status=record.failure.http_status,
                attempts=record.failure.attempts,
            )
        )
    return listed
