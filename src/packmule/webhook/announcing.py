"""Webhook messages about a job's end or a complete part, added in the transaction of that.

Owns the message's document, and who gets it: the operator's webhook, and the job's own. Each is a
message of its own, so that none waits for the other's receiver. Leaves what a status says to
whoever gives `status`, sending to `delivery.py`.

    {"type": "archive.completed", "timestamp": "…", "data": {"archive_hash": "…", the status}}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from packmule.jobs.model import JobState

if TYPE_CHECKING:
    from packmule.jobs.model import ArchivePart, Job
    from packmule.webhook.messages import Defer, MessageStore

# The status document of a job, which may read more of it over the connection.
Status = Callable[[Connection, "Job"], Mapping[str, Any]]

KINDS = {
    JobState.COMPLETED: "archive.completed",
    JobState.FAILED: "archive.failed",
    JobState.CANCELLED: "archive.cancelled",
}
PART_COMPLETED = "archive.part-completed"


@dataclass(frozen=True, slots=True)
class Announcer:
    """Writes the messages about a job: the store's changes take it as `in_same_transaction`.

    `predefined`: the operator has a webhook; `of_jobs`: a job may have its own.
    """

    store: MessageStore
    defer: Defer
    status: Status
    part: Callable[[Job, ArchivePart], Mapping[str, Any]]
    predefined: bool
    of_jobs: bool

    def announce(self, connection: Connection, job: Job) -> None:
        """Add the messages about the state a job has reached, if there is a webhook for it."""
        kind = KINDS.get(job.state)
        if kind is not None and (urls := self._urls(job)):
            self._add(connection, job, kind, self.status(connection, job), urls)

    def announce_part(self, connection: Connection, job: Job, part: ArchivePart) -> None:
        """Add the messages about a complete part of a split archive."""
        if urls := self._urls(job):
            told = {**self.status(connection, job), "part": self.part(job, part)}
            # The list grows with each part, and each has a message of its own.
            told.pop("parts", None)
            self._add(connection, job, PART_COMPLETED, told, urls)

    def _urls(self, job: Job) -> list[str | None]:
        """List who is told of a job: None for the operator's webhook."""
        own = job.webhook_url if self.of_jobs else None
        return ([None] if self.predefined else []) + ([own] if own is not None else [])

    def _add(
        self,
        connection: Connection,
        job: Job,
        kind: str,
        status: Mapping[str, Any],
        urls: Sequence[str | None],
    ) -> None:
        body = document(kind, job, status)
        for url in urls:
            name = self.store.add(connection, hash_=job.hash, kind=kind, url=url, body=body)
            self.defer(connection, name, None if url is None else job.client)


def document(kind: str, job: Job, status: Mapping[str, Any]) -> str:
    """Write a message's body: the same bytes at every try."""
    moment = job.finished_at or datetime.now(UTC)
    return json.dumps(
        {
            "type": kind,
            "timestamp": moment.isoformat().replace("+00:00", "Z"),
            "data": {"archive_hash": job.hash, **status},
        },
        separators=(",", ":"),
    )
