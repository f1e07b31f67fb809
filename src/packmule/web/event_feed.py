"""What an event says: its id, its name and its data, as text.

Owns the form of an id, and the events of a status and of files, read once for all who follow a job.
Leaves when which is sent to `events.py`.

An id is how far one was told: `12` is all of the job's version 12, and `12-7` that of the files
that changed with that version none is missing up to position 7. So who names the last id goes on
behind it, and what has changed twice meanwhile is told once, as it is.

The law: the HTML Standard, 9.2 (server-sent events).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from packmule.web.documents import file_of
from packmule.web.job_routes import status_document
from packmule.web.schema import ChangedFilesOut

if TYPE_CHECKING:
    from pydantic import BaseModel

    from packmule.web.job_changes import WatchedJob
    from packmule.web.services import Services

MOST_FILES = 100
"""Files of one event."""

_ID = re.compile(r"(?P<version>[0-9]{1,18})(?:-(?P<position>[0-9]{1,9}))?")

_STATUSES = ["InProgressOut", "CompletedOut", "FailedOut", "CancelledOut", "ExpiredOut"]
_DATA = [{"$ref": f"#/components/schemas/{name}"} for name in (*_STATUSES, "ChangedFilesOut")]

# One event, as OpenAPI 3.2 (4.14.5) describes them; 3.1 has no other place for it than `schema`.
DESCRIBED: dict[str, Any] = {
    "title": "One event",
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+(-[0-9]+)?$"},
        "event": {"enum": ["progress", "completed", "failed", "cancelled", "expired", "files"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"oneOf": _DATA},
        },
    },
}


@dataclass(frozen=True, slots=True)
class EventId:
    """How far one was told: of the job's `version` all, or its files up to `position`."""

    version: int = 0
    position: int | None = None

    def covers(self, version: int) -> bool:
        """Tell whether that version was told, and whole."""
        return (self.version, self.position is None) >= (version, True)

    @property
    def behind(self) -> tuple[int, int]:
        """Give what the next files come behind, as the job store takes it."""
        if self.position is None:
            return self.version + 1, -1
        return self.version, self.position

    def __str__(self) -> str:
        """Write the id."""
        return f"{self.version}" if self.position is None else f"{self.version}-{self.position}"


def parse_event_id(last_event_id: str | None, version: int) -> EventId:
    """Read the id that was told last; nothing was where it is none of this job."""
    found = _ID.fullmatch(last_event_id or "")
    if found is None or int(found["version"]) > version:
        return EventId()
    position = found["position"]
    return EventId(int(found["version"]), None if position is None else int(position))


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """The event of a job as it is at a version; `is_end` where no other can follow."""

    job_id: int
    version: int
    text: bytes
    is_end: bool


@dataclass(frozen=True, slots=True)
class FilesEvent:
    """The event of files that changed behind `told`, up to a version; no text where none did."""

    told: EventId
    up_to: int
    text: bytes
    then: EventId
    has_more: bool


async def latest_status(services: Services, hash_: str, job: WatchedJob) -> StatusEvent:
    """Give the event of the job as it is. Raises NotFound, StorageFailed."""
    async with job.reading:
        known = job.status
        if known is None or job.seen is None or known.version < job.seen[1]:
            known = job.status = await run_in_threadpool(_status_event, services, hash_)
        return known


async def next_files(
    services: Services, job: WatchedJob, status: StatusEvent, told: EventId
) -> FilesEvent:
    """Give the event of the files that changed next, up to that status. Raises StorageFailed."""
    async with job.reading:
        known = job.files
        if known is None or (known.told, known.up_to) != (told, status.version):
            known = job.files = await run_in_threadpool(_files_event, services, status, told)
        return known


def _status_event(services: Services, hash_: str) -> StatusEvent:
    job = services.store.get(hash_)
    document = status_document(services, job)
    is_open = document.status == "in-progress"
    name = "progress" if is_open else document.status
    text = _text(EventId(job.version), name, document)
    return StatusEvent(job.id, job.version, text, not is_open)


def _files_event(services: Services, status: StatusEvent, told: EventId) -> FilesEvent:
    found = services.store.changed_files(status.job_id, told.behind, status.version, MOST_FILES)
    if not found.files:
        return FilesEvent(told, status.version, b"", told, has_more=False)
    then = EventId(*found.last)
    document = ChangedFilesOut(files=[file_of(record) for record in found.files])
    text = _text(then, "files", document)
    return FilesEvent(told, status.version, text, then, len(found.files) == MOST_FILES)


def _text(told: EventId, name: str, document: BaseModel) -> bytes:
    return f"id: {told}\nevent: {name}\ndata: {document.model_dump_json()}\n\n".encode()
