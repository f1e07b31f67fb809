"""Changes of a job's state by its hash: made where the state allows it, else said why not.

Owns what a refused change is called; the statements of `queries.py` refuse it. Leaves transactions
to `store.py`. The law is `model.TRANSITIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from packmule.errors import NotAllowedInState
from packmule.jobs import file_queries, queries
from packmule.jobs.archive_parts import forget_archive_parts
from packmule.jobs.model import TRANSITIONS, Job, JobState
from packmule.jobs.part_rows import forget_parts
from packmule.jobs.reads import unknown
from packmule.jobs.records import job_of

if TYPE_CHECKING:
    from sqlalchemy.sql import Executable

# What must come true together with a change, in its transaction, told the job as it is after it.
InSameTransaction = Callable[[Connection, Job], None]


def find(connection: Connection, hash_: str) -> Job:
    """Find a job, and keep others from changing it meanwhile. Raises NotFound."""
    row = connection.execute(queries.HELD_JOB, {"of_hash": hash_}).one_or_none()
    if row is None:
        raise unknown()
    return job_of(row)


def change(
    connection: Connection, statement: Executable, hash_: str, values: Mapping[str, object]
) -> Job | None:
    """Run a change of state; None where the job's state, or its absence, did not allow it."""
    row = connection.execute(statement, {"of_hash": hash_, **values}).one_or_none()
    return None if row is None else job_of(row)


def already(connection: Connection, hash_: str, state: JobState) -> Job:
    """Return the job that is in this state already. Raises NotFound, NotAllowedInState."""
    job = find(connection, hash_)
    if job.state is not state:
        raise not_allowed(job, state)
    return job


def expire(
    connection: Connection, hash_: str, in_same_transaction: InSameTransaction | None
) -> Job:
    """Expire an ended job; again for an expired one changes nothing. Raises as `already`."""
    job = change(connection, queries.EXPIRE_JOB, hash_, {})
    if job is None:
        return already(connection, hash_, JobState.EXPIRED)
    connection.execute(file_queries.FORGET_FILES, {"of_job": job.id})
    forget_parts(connection, job.id)
    forget_archive_parts(connection, job.id)
    if in_same_transaction is not None:
        in_same_transaction(connection, job)
    return job


def not_finishable(job: Job) -> NotAllowedInState:
    """Return the error for a job that cannot be completed with what it has."""
    if job.state in {JobState.CANCELLED, JobState.EXPIRED}:
        return NotAllowedInState(
            f"The job is {job.state.value}; only one that is queued, running or failed can be "
            "finished."
        )
    return NotAllowedInState(
        "Nothing is packed yet, so there is no archive to finish. Wait for the first file, or "
        "cancel the job."
    )


def not_allowed(job: Job, wanted: JobState) -> NotAllowedInState:
    """Return the error that names the state of the job, and those that would allow the change."""
    verb = {JobState.QUEUED: "retried", JobState.EXPIRED: "removed"}.get(wanted, "cancelled")
    before = [state.value for state, after in TRANSITIONS.items() if wanted in after]
    return NotAllowedInState(
        f"The job is {job.state.value}; only one that is {' or '.join(before)} can be {verb}."
    )
