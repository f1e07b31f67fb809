"""The stores as the settings want them: the job database, the engine over it, the storage.

Owns the choice of backends for API and worker alike, and the names of the engine's tasks.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.cleanup.reconciling import ToBeDone
from packmule.engine.interface import Task
from packmule.jobs.database import connect, take_reserve, writing
from packmule.jobs.orphans import OrphanNotes
from packmule.jobs.shared_clock import SharedClock
from packmule.jobs.store import JobStore
from packmule.webhook.messages import MessageStore
from packmule.wiring.archives import open_storage
from packmule.wiring.engines import open_engine
from packmule.worker.host_claims import HostClaims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from packmule.engine.interface import Engine
    from packmule.jobs.model import Job
    from packmule.settings import Settings
    from packmule.storage.interface import Storage

BUILD = "build"
CLEAN = "clean"
EXPIRE = "expire"
REMOVE = "remove"

# Two kinds, so that receivers whom strangers have named never hold up the operator's.
WEBHOOK = "webhook"
JOB_WEBHOOK = "job-webhook"


@dataclass(frozen=True, slots=True)
class Stores:
    """Where everything that lasts is kept."""

    jobs: JobStore
    engine: Engine
    storage: Storage
    messages: MessageStore
    host_claims: HostClaims
    orphans: OrphanNotes
    clock: Callable[[], float]
    transaction: Callable[[], AbstractContextManager[Connection]]
    worker_age: Callable[[], float | None]
    count_workers: Callable[[], dict[str, int]] | None
    take_reserve: Callable[[], None]

    def enqueue(self, connection: Connection, hash_: str, priority: int, client: str) -> None:
        """Put the building of a job into the queue, in the transaction of `connection`."""
        self.engine.defer(connection, Task(BUILD, hash_, priority, client=client))

    def jobs_to_do(self, after: int, most: int) -> list[ToBeDone]:
        """List open jobs with the tasks that they must have, by number."""
        return [
            ToBeDone(job.id, Task(BUILD, job.hash, job.priority, client=job.client))
            for job in self.jobs.still_open(after, most)
        ]

    def messages_to_do(self, after: int, most: int) -> list[ToBeDone]:
        """List messages that wait with the tasks that they must have, by number."""
        return [
            ToBeDone(each.id, Task(kind, each.name, delay=each.due_in))
            for each in self.messages.waiting(after, most)
            for kind in [JOB_WEBHOOK if each.is_of_a_job else WEBHOOK]
        ]

    def defer_removal(self, connection: Connection, job: Job) -> None:
        """Put the removal of a job's bytes into the queue, in the transaction of `connection`."""
        self.engine.defer(connection, Task(REMOVE, job.hash))

    def defer_delivery(self, connection: Connection, message: str, client: str | None) -> None:
        """Put the delivery of a message into the queue.

        `client`: on whose behalf, where a job has named the URL; None for the operator's.
        """
        if client is None:
            task = Task(WEBHOOK, message)
        else:
            task = Task(JOB_WEBHOOK, message, client=client)
        self.engine.defer(connection, task)


@contextmanager
def open_stores(settings: Settings) -> Iterator[Stores]:
    """Open the stores until the end of the context. Raises StorageFailed, DiskFull."""
    database = connect(settings.database_url)
    engine, worker_age, count_workers = open_engine(database, settings)
    clock = SharedClock(database) if database.dialect.name == "postgresql" else time.time
    try:
        yield Stores(
            jobs=JobStore(database, clock, retention=settings.retention),
            engine=engine,
            storage=open_storage(settings),
            messages=MessageStore(database, clock),
            host_claims=HostClaims(database),
            orphans=OrphanNotes(database, clock),
            clock=clock,
            transaction=lambda: writing(database),
            worker_age=worker_age,
            count_workers=count_workers,
            take_reserve=lambda: take_reserve(database),
        )
    finally:
        database.dispose()
