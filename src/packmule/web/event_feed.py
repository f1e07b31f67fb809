"""The events of a job: each reads the store once for all who follow the job.

Owns the content of status and file events. Leaves when each is sent to `events.py`.

Follows the HTML Standard, 9.2 (server-sent events).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from packmule.jobs.model import JobState
from packmule.web.documents import file_of, part_of, split_parts, state_now, status_document
from packmule.web.event_values import EventId, FilesEvent, StatusEvent
from packmule.web.schema import ChangedFilesOut

if TYPE_CHECKING:
    from pydantic import BaseModel

    from packmule.jobs.model import Job
    from packmule.web.job_changes import WatchedJob
    from packmule.web.services import Services

MOST_FILES = 100
"""Files of one event."""

_STATUSES = ["InProgressOut", "CompletedOut", "FailedOut", "CancelledOut", "ExpiredOut"]
_DATA = [
    {"$ref": f"#/components/schemas/{name}"} for name in (*_STATUSES, "ChangedFilesOut", "PartOut")
]

# One event, as OpenAPI 3.2 (4.14.5) describes them; 3.1 has no other place for it than `schema`.
DESCRIBED: dict[str, Any] = {
    "title": "One event",
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+(-[0-9]+)?$"},
        "event": {
            "enum": [
                "progress",
                "completed",
                "failed",
                "cancelled",
                "expired",
                "files",
                "part-completed",
            ]
        },
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"oneOf": _DATA},
        },
    },
}


async def latest_status(
    services: Services, hash_: str, job: WatchedJob, *, whole_urls: bool
) -> StatusEvent:
    """Return the event of the job's current status. Raises NotFound, StorageFailed."""
    async with job.reading:
        known = job.statuses.get(whole_urls)
        if known is None or job.seen is None or known.version < job.seen[1]:
            known = await run_in_threadpool(_status_event, services, hash_, whole_urls)
            job.statuses[whole_urls] = known
        return known


async def next_files(
    services: Services, job: WatchedJob, status: StatusEvent, told: EventId, *, whole_urls: bool
) -> FilesEvent:
    """Return the event of the next changed files, up to that status. Raises StorageFailed."""
    async with job.reading:
        known = job.files.get(whole_urls)
        if known is None or (known.told, known.up_to) != (told, status.version):
            known = await run_in_threadpool(_files_event, services, status, told, whole_urls)
            job.files[whole_urls] = known
        return known


def _status_event(services: Services, hash_: str, whole_urls: bool) -> StatusEvent:  # noqa: FBT001
    job = services.store.get(hash_)
    document = status_document(services.store, job, services.public_url, whole_urls=whole_urls)
    is_open = document.status == "in-progress"
    name = "progress" if is_open else document.status
    text = _text(EventId(job.version), name, document)
    return StatusEvent(job.id, job.version, text, not is_open, _part_events(services, job))


def _part_events(services: Services, job: Job) -> tuple[tuple[int, bytes], ...]:
    """Return the events of complete parts. They have no ID: the status after them has."""
    if job.max_part_bytes is None or state_now(job) is JobState.EXPIRED:
        return ()
    parts = split_parts(job, services.store.archive_parts(job.id)) or ()
    return tuple(
        (part.version, f"event: part-completed\ndata: {document.model_dump_json()}\n\n".encode())
        for part in parts
        if part.version <= job.version
        for document in [part_of(services.public_url, job.hash, part)]
    )


def _files_event(
    services: Services,
    status: StatusEvent,
    told: EventId,
    whole_urls: bool,  # noqa: FBT001
) -> FilesEvent:
    found = services.store.changed_files(status.job_id, told.behind, status.version, MOST_FILES)
    if not found.files:
        return FilesEvent(told, status.version, b"", told, has_more=False)
    then = EventId(*found.last)
    files = [file_of(record, whole_urls=whole_urls) for record in found.files]
    document = ChangedFilesOut(files=files)
    text = _text(then, "files", document)
    return FilesEvent(told, status.version, text, then, len(found.files) == MOST_FILES)


def _text(told: EventId, name: str, document: BaseModel) -> bytes:
    return f"id: {told}\nevent: {name}\ndata: {document.model_dump_json()}\n\n".encode()
