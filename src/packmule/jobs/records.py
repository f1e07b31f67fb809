"""Between rows and values: what the tables hold, as `model.py` names it.

Owns the conversion and nothing else: no connection, no statement. Instants are kept as seconds
since the epoch and handed out as aware UTC.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from packmule.errors import Failure, FailureCode, WarningCode
from packmule.jobs.model import (
    Compression,
    FailedEntry,
    FileRecord,
    FileState,
    Job,
    JobState,
    Manifest,
    OnError,
    OnHtml,
    OpenEntry,
    Progress,
    StorageWait,
    WaitingFile,
    WrittenSegment,
)

if TYPE_CHECKING:
    from sqlalchemy import Row

    from packmule.jobs.model import Checkpoint, JobRequest

# The parameters of a statement, by name.
Values = dict[str, str | int | float | None]


def row_of(request: JobRequest, hash_: str, digest: str | None, now: float) -> Values:
    """Lay out the row of a new job."""
    return {
        "hash": hash_,
        "state": JobState.QUEUED.value,
        "attempt": 0,
        "priority": request.priority,
        "client": request.client,
        "name": request.name,
        "on_error": request.on_error.value,
        "on_html": request.on_html.value,
        "compression": request.compression.value,
        "manifest": request.manifest.value,
        "max_part_bytes": request.max_part_bytes,
        "webhook_url": request.webhook_url,
        "expires_in": request.expires_in,
        "created_at": now,
        "files_total": len(request.sources),
        "files_done": 0,
        "files_failed": 0,
        "bytes_done": 0,
        "bytes_per_second": 0.0,
        "tail": 0,
        "idempotency_key": request.idempotency_key,
        "request_digest": digest,
        "version": 1,
    }


def job_of(row: Row[Any]) -> Job:
    """Read a row of `jobs`."""
    return Job(
        id=row.id,
        hash=row.hash,
        state=JobState(row.state),
        attempt=row.attempt,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        name=row.name,
        on_error=OnError(row.on_error),
        compression=Compression(row.compression),
        priority=row.priority,
        client=row.client,
        progress=Progress(
            files_total=row.files_total,
            files_done=row.files_done,
            files_failed=row.files_failed,
            bytes_done=row.bytes_done,
            bytes_total=row.bytes_total,
            bytes_expected=row.bytes_expected,
            bytes_per_second=row.bytes_per_second,
            waiting=_waiting_of(row.waiting),
        ),
        on_html=OnHtml(row.on_html),
        manifest=Manifest(row.manifest),
        max_part_bytes=row.max_part_bytes,
        webhook_url=row.webhook_url,
        expires_in=row.expires_in,
        started_at=_instant(row.started_at),
        finished_at=_instant(row.finished_at),
        expires_at=_instant(row.expires_at),
        size=row.size,
        etag=row.etag,
        failure=_failure_of(row, row.failure_attempts),
        version=row.version,
        storage_wait=_wait_of(row),
        finishing=bool(row.finishing),
    )


def _wait_of(row: Row[Any]) -> StorageWait | None:
    if row.storage_wait_since is None:
        return None
    since = datetime.fromtimestamp(row.storage_wait_since, UTC)
    return StorageWait(since, row.storage_wait_reason or "")


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _failure_of(row: Row[Any], attempts: int | None) -> Failure | None:
    if row.failure_code is None:
        return None
    return Failure(
        code=FailureCode(row.failure_code),
        detail=row.failure_detail,
        http_status=row.failure_http_status,
        attempts=attempts or 0,
    )


def progress_values(checkpoint: Checkpoint) -> Values:
    """Return what a checkpoint says of its job, as the statements of `queries.py` take it."""
    progress = checkpoint.progress
    return {
        "new_tail": checkpoint.tail,
        "new_files_total": progress.files_total,
        "new_files_done": progress.files_done,
        "new_files_failed": progress.files_failed,
        "new_bytes_done": progress.bytes_done,
        "new_bytes_total": progress.bytes_total,
        "new_bytes_expected": progress.bytes_expected,
        "new_bytes_per_second": progress.bytes_per_second,
        "new_waiting": _waiting_text(progress.waiting),
    }


def _waiting_text(waiting: tuple[WaitingFile, ...]) -> str | None:
    """Return the waiting files as JSON; None where none waits, which costs nothing."""
    if not waiting:
        return None
    return json.dumps(
        [
            [file.position, file.name, f.code, f.detail, f.http_status, f.attempts, *at]
            for file in waiting
            for f, at in [(file.failure, [file.next_attempt_at])]
        ]
    )


def _waiting_of(text: str | None) -> tuple[WaitingFile, ...]:
    return tuple(
        WaitingFile(position, name, Failure(FailureCode(code), *rest), at)
        for position, name, code, *rest, at in json.loads(text or "[]")
    )


def segments_text(segments: tuple[WrittenSegment, ...], version: int) -> str | None:
    """Return the segments of an open entry as JSON; None where there are none.

    `version` is that of the row they are written to. A worker of an earlier release, which knows no
    segments, changes the row and leaves this column as it is: then the versions differ, and what is
    here is about bytes that are no longer there.
    """
    return json.dumps([version, segments], separators=(",", ":")) if segments else None


def _segments_of(row: Row[Any]) -> tuple[WrittenSegment, ...]:
    """Read what is written of a file beyond its beginning, by its row's last change."""
    if not row.segments:
        return ()
    version, segments = json.loads(row.segments)
    return tuple(WrittenSegment(*one) for one in segments) if version == row.version else ()


def open_entry_of(row: Row[Any]) -> OpenEntry:
    """Read a row of `file_queries.OPEN_ENTRIES`: the fields but for the segments, then those."""
    entry = OpenEntry(*tuple(row)[:-2])
    return replace(entry, segments=_segments_of(row))


def _bytes_of(row: Row[Any], state: FileState) -> int:
    """Return how many bytes of a file there are; a file that is done keeps no segments' account."""
    segments = _segments_of(row) if state is FileState.OPEN else ()
    return int(row.written) + sum(one.written for one in segments)


def failed_entry_of(row: Row[Any]) -> FailedEntry:
    """Read a row of `file_queries.FAILED_ENTRIES`."""
    failure = Failure(
        FailureCode(row.failure_code), row.failure_detail, row.failure_http_status, row.attempts
    )
    return FailedEntry(row.position, row.name, failure)


def file_of(row: Row[Any]) -> FileRecord:
    """Read a row of `files`; a file that has failed, or has not begun, has no bytes."""
    state = FileState(row.state)
    has_bytes = state in {FileState.OPEN, FileState.DONE}
    return FileRecord(
        position=row.position,
        url=row.url,
        name=row.name if row.name is not None else row.wanted,
        state=state,
        bytes_done=_bytes_of(row, state) if has_bytes else 0,
        bytes_total=row.size if has_bytes else None,
        failure=_failure_of(row, row.attempts) if state is FileState.FAILED else None,
        warning=WarningCode(row.warning) if row.warning and state is FileState.DONE else None,
    )
