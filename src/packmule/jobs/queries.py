"""Every statement the job store runs about jobs, named; those about files are in `file_queries.py`.

Owns the SQL (as SQLAlchemy Core, so that one text serves SQLite and PostgreSQL); leaves when to run
which to `store.py` and `reads.py`. A change of state names the states it may come from, taken from
`TRANSITIONS`: what the table forbids, no statement can do. Each change of a job raises `version`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)

from packmule.jobs.model import ADDRESS_CLIENT, TRANSITIONS, FileState, JobState
from packmule.jobs.schema import files, jobs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.sql import Update


def as_literal(state: JobState | FileState) -> ColumnElement[str]:
    """Write a state into the text, not into a parameter: only so do partial indexes serve."""
    return literal_column(f"'{state.value}'")


# In these states a job takes up room on the disk.
_HOLDING = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.COMPLETED)


def _is(state: JobState) -> ColumnElement[bool]:
    return jobs.c.state == as_literal(state)


def _before(state: JobState) -> ColumnElement[bool]:
    """Compare with the states from which this one may follow."""
    return jobs.c.state.in_([as_literal(s) for s, after in TRANSITIONS.items() if state in after])


# --- one job, by its hash -----------------------------------------------------------------------

INSERT_JOB = insert(jobs).returning(jobs.c.id)

JOB = select(jobs).where(jobs.c.hash == bindparam("of_hash"))

# SQLite lets nobody else write meanwhile, and knows no FOR UPDATE: it is left out there.
HELD_JOB = JOB.with_for_update()

# A hash by its beginning; no digit is greater than f.
HASHES_FROM = (
    select(jobs.c.hash)
    .where(jobs.c.hash >= bindparam("beginning"), jobs.c.hash < bindparam("beyond"))
    .limit(2)
)

VERSION = select(jobs.c.state, jobs.c.version).where(jobs.c.hash == bindparam("of_hash"))

# The same of many jobs at once: what is waited for, and what a worker's runs still hold.
VERSIONS = select(jobs.c.hash, jobs.c.state, jobs.c.version).where(
    jobs.c.hash.in_(bindparam("of_hashes", expanding=True))
)

HELD = select(jobs.c.id, jobs.c.attempt, jobs.c.run_token, jobs.c.finishing).where(
    jobs.c.id.in_(bindparam("of_jobs", expanding=True)),
    jobs.c.state == JobState.RUNNING.value,
)

EARLIER_JOB = select(jobs.c.hash, jobs.c.request_digest).where(
    jobs.c.client == bindparam("of_client"),
    jobs.c.idempotency_key == bindparam("of_key"),
)

_NO_WAIT: dict[str, ColumnElement[Any]] = {
    "storage_wait_since": null(),
    "storage_wait_reason": null(),
}

_FINISHED: dict[str, ColumnElement[Any]] = {
    "finished_at": bindparam("now"),
    "expires_at": bindparam("now") + func.coalesce(jobs.c.expires_in, bindparam("retention")),
    **_NO_WAIT,
}


def _change(state: JobState) -> Update:
    """Begin the statement that takes the job of a hash into a state; it answers with its row."""
    return (
        update(jobs)
        .where(jobs.c.hash == bindparam("of_hash"), _before(state))
        .values(state=state.value, version=jobs.c.version + 1)
        .returning(*jobs.c)
    )


BEGIN_JOB = _change(JobState.RUNNING).values(
    attempt=jobs.c.attempt + 1,
    run_token=bindparam("new_token"),
    fruitless_runs=jobs.c.fruitless_runs + 1,
    started_at=func.coalesce(jobs.c.started_at, bindparam("now")),
    # How fast an earlier run was says nothing of when this one will be done.
    bytes_per_second=0.0,
    waiting=None,
)

CANCEL_JOB = _change(JobState.CANCELLED).values(_FINISHED)

_AGAIN = _change(JobState.QUEUED).values(
    finished_at=None,
    expires_at=None,
    bytes_per_second=0.0,
    waiting=None,
    failure_code=None,
    failure_detail=None,
    failure_http_status=None,
    failure_attempts=None,
    fruitless_runs=0,
    progress_mark=0,
)

RETRY_JOB = _AGAIN.values(
    on_error=func.coalesce(bindparam("new_on_error"), jobs.c.on_error),
    files_failed=0,
    finishing=None,
)

# Where only some of the failed files are tried again.
COUNT_FAILED_FILES = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"))
    .values(
        files_failed=select(func.count())
        .where(files.c.job_id == jobs.c.id, files.c.state == as_literal(FileState.FAILED))
        .scalar_subquery()
    )
    .returning(*jobs.c)
)

FINISH_FAILED_JOB = _AGAIN.values(finishing=True)

# Its state stays; its run hears of it.
FINISH_OPEN_JOB = (
    update(jobs)
    .where(jobs.c.hash == bindparam("of_hash"), _before(JobState.CANCELLED))
    .values(finishing=True, version=jobs.c.version + 1)
    .returning(*jobs.c)
)

# The idempotency key is free again: it must not answer with an archive that is no longer there.
# An address is kept no longer than something is counted or found by it.
EXPIRE_JOB = _change(JobState.EXPIRED).values(
    idempotency_key=None,
    request_digest=None,
    client=case((jobs.c.client.startswith(ADDRESS_CLIENT), ""), else_=jobs.c.client),
)

# --- a run, fenced by its attempt and token -----------------------------------------------------

_FENCED = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("of_job"),
        jobs.c.attempt == bindparam("of_attempt"),
        jobs.c.run_token == bindparam("of_token"),
        jobs.c.state == JobState.RUNNING.value,
    )
    .values(version=jobs.c.version + 1)
)

_PROGRESS: dict[str, ColumnElement[Any]] = {
    name: bindparam(f"new_{name}")
    for name in (
        "tail",
        "files_total",
        "files_done",
        "files_failed",
        "bytes_done",
        "bytes_total",
        "bytes_expected",
        "bytes_per_second",
        "waiting",
    )
}

# How far a run is; files count too, for those that are empty.
_REACHED = (
    bindparam("new_bytes_done", type_=BigInteger)
    + bindparam("new_files_done", type_=BigInteger)
    + bindparam("new_files_failed", type_=BigInteger)
)
_IS_FURTHER = jobs.c.progress_mark < _REACHED

CHECKPOINT_JOB = (
    _FENCED.values(_PROGRESS)
    .values(
        recorded_by=jobs.c.attempt,
        kept_by=jobs.c.attempt,
        fruitless_runs=case((_IS_FURTHER, 0), else_=jobs.c.fruitless_runs),
        progress_mark=case((_IS_FURTHER, _REACHED), else_=jobs.c.progress_mark),
    )
    .returning(jobs.c.version)
)

# Some of its failed files get new links.
RENEW_JOB = _FENCED.returning(*jobs.c)

# A part of a split archive has become complete.
NOTE_PART = _FENCED.values(_NO_WAIT).returning(*jobs.c)

# What nobody sees: the version stays.
RELEASE_JOB = (
    _FENCED.where(jobs.c.fruitless_runs > 0)
    .values(version=jobs.c.version, fruitless_runs=jobs.c.fruitless_runs - 1)
    .returning(jobs.c.id)
)

# A job waits from the first run that met the closed store until one has stored something.
WAIT_FOR_STORAGE = _FENCED.values(
    storage_wait_since=func.coalesce(jobs.c.storage_wait_since, bindparam("now")),
    storage_wait_reason=bindparam("new_reason"),
).returning(jobs.c.storage_wait_since)

END_STORAGE_WAIT = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"), jobs.c.storage_wait_since.is_not(None))
    .values(_NO_WAIT)
)

COUNT_STORAGE_WAITS = (
    select(func.count()).select_from(jobs).where(text("storage_wait_since IS NOT NULL"))
)

COMPLETE_JOB = (
    _FENCED.values(_PROGRESS)
    .values(_FINISHED)
    .values(state=JobState.COMPLETED.value, size=bindparam("new_size"), etag=bindparam("new_etag"))
    .returning(*jobs.c)
)

FAIL_JOB = (
    _FENCED.values(_FINISHED)
    .values(
        state=JobState.FAILED.value,
        failure_code=bindparam("new_code"),
        failure_detail=bindparam("new_detail"),
        failure_http_status=bindparam("new_http_status"),
        failure_attempts=bindparam("new_attempts"),
    )
    .returning(*jobs.c)
)

FAIL_JOB_AT = FAIL_JOB.values(_PROGRESS).values(recorded_by=jobs.c.attempt, kept_by=jobs.c.attempt)

FAIL_JOB_UNLESS_FINISHING = FAIL_JOB_AT.where(jobs.c.finishing.is_not(True))

# --- many jobs ----------------------------------------------------------------------------------

DUE_FOR_EXPIRY = (
    select(jobs.c.hash)
    .where(_before(JobState.EXPIRED), jobs.c.expires_at <= bindparam("now"))
    .order_by(jobs.c.expires_at)
    .limit(bindparam("most"))
)

_LONG_OVER = (
    select(jobs.c.id)
    .where(_is(JobState.EXPIRED), jobs.c.finished_at <= bindparam("until"))
    .order_by(jobs.c.finished_at)
    .limit(bindparam("most"))
)
DELETE_EXPIRED = delete(jobs).where(jobs.c.id.in_(_LONG_OVER))

# Of a completed job whose links were dropped the status still tells how many files it has.
_WITH_LINKS = (
    jobs.c.state.in_([as_literal(JobState.FAILED), as_literal(JobState.COMPLETED)]),
    jobs.c.has_links.is_not(False),
)

CLIENTS_WITH_LINKS = (
    select(jobs.c.client)
    .where(*_WITH_LINKS)
    .group_by(jobs.c.client)
    .having(func.sum(jobs.c.files_total) > bindparam("most"))
)

ENDED_WITH_LINKS = (
    select(jobs.c.id, jobs.c.hash, jobs.c.state, jobs.c.files_total)
    .where(jobs.c.client == bindparam("of_client"), *_WITH_LINKS)
    .order_by(jobs.c.id.desc())
)

DROP_LINKS = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"), _is(JobState.COMPLETED))
    .values(has_links=False)
    .returning(jobs.c.id)
)

OLDEST_COMPLETED = (
    select(jobs)
    .where(_is(JobState.COMPLETED), jobs.c.id > bindparam("after"))
    .order_by(jobs.c.id)
    .limit(bindparam("most"))
)

# By number; of one state, since each has an index of its own.
IN_STATE_BY_ID = {
    state: select(jobs.c.id, jobs.c.hash, jobs.c.priority, jobs.c.client)
    .where(_is(state), jobs.c.id > bindparam("after"))
    .order_by(jobs.c.id)
    .limit(bindparam("most"))
    for state in (JobState.QUEUED, JobState.RUNNING)
}

OPEN_JOBS = select(func.count()).where(
    jobs.c.client == bindparam("of_client"), _before(JobState.CANCELLED)
)

_TAKEN = case((jobs.c.bytes_total > jobs.c.tail, jobs.c.bytes_total), else_=jobs.c.tail)

# Of a job under way, or failed, what its archive takes up so far, or will by what is announced.
HELD_BYTES = select(
    func.coalesce(func.sum(func.coalesce(jobs.c.size, _TAKEN)), 0).label("total"),
    func.min(jobs.c.expires_at).label("first_expiry"),
).where(
    jobs.c.client == bindparam("of_client"),
    jobs.c.state.in_([as_literal(state) for state in _HOLDING]),
)

# What each client's archives take up, and what has come of its other jobs: not what is announced.
BYTES_HELD = (
    select(jobs.c.client, func.sum(func.coalesce(jobs.c.size, jobs.c.bytes_done)).label("total"))
    .where(jobs.c.state.in_([as_literal(state) for state in _HOLDING]))
    .group_by(jobs.c.client)
)

# One statement a state: each has an index of its own.
COUNTS = {state: select(func.count()).where(_is(state)) for state in JobState}

# Of a state, or (None) of all, the newest first; what else is asked for is sifted on the way.
NEWEST = {
    state: select(jobs)
    .where(jobs.c.id < bindparam("before"), *(() if state is None else [_is(state)]))
    .where(
        (bindparam("of_client", type_=Text).is_(None)) | (jobs.c.client == bindparam("of_client")),
        jobs.c.created_at > bindparam("after"),
        jobs.c.created_at <= bindparam("until"),
    )
    .order_by(jobs.c.id.desc())
    .limit(bindparam("most"))
    for state in (None, *JobState)
}

# Of a client and a state, the newest first. The state is a parameter: SQLite would else take the
# index of the state, and walk over the jobs of all clients.
OF_CLIENT = (
    select(jobs)
    .where(
        jobs.c.client == bindparam("of_client"),
        jobs.c.state == bindparam("of_state"),
        jobs.c.id < bindparam("before"),
    )
    .order_by(jobs.c.id.desc())
    .limit(bindparam("most"))
)
OF_CLIENT_OVERDUE = OF_CLIENT.where(jobs.c.expires_at <= bindparam("now"))
OF_CLIENT_IN_TIME = OF_CLIENT.where(
    or_(jobs.c.expires_at.is_(None), jobs.c.expires_at > bindparam("now"))
)
