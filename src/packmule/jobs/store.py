"""The job store: every change in a job's life, each in one durable transaction.

Owns the transitions, one method each, and that whoever has lost a job can no longer touch it: what
a run writes carries its attempt and its token, and is refused with StaleAttempt once another run or
a cancel has come between. Leaves questions to `reads.py`, SQL to `queries.py`. The law is
`model.TRANSITIONS`.

What must come true together with a change is given to its method and runs in its transaction:
`defer` when a job is queued, `in_same_transaction` (once for each change of state) when its state
changes.

What a run writes waits for a database that is away for a while (a restart, a fail-over): so the run
need not start over. It is written again as it was; where the first time had come through after all,
a checkpoint says the same twice, and an end is refused as stale, having been told already.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from packmule.errors import Conflict, DatabaseAway, StaleAttempt
from packmule.jobs import file_queries, queries, quota
from packmule.jobs.archive_parts import (
    add_archive_part,
    forget_archive_parts,
    read_archive_parts,
)
from packmule.jobs.database import reading, writing
from packmule.jobs.digest import request_digest
from packmule.jobs.entries import EntryRows
from packmule.jobs.model import MOST_FRUITLESS_RUNS, JobState, Renewal, Run
from packmule.jobs.part_rows import forget_parts, write_uploads
from packmule.jobs.quota import UNLIMITED, Quota
from packmule.jobs.reads import JobReads, load
from packmule.jobs.records import (
    Values,
    job_of,
    progress_values,
    row_of,
)
from packmule.jobs.retrying import try_again
from packmule.jobs.storable_text import storable
from packmule.jobs.transitions import (
    InSameTransaction,
    already,
    change,
    expire,
    find,
    not_allowed,
    not_finishable,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.sql import Executable

    from packmule.errors import Failure
    from packmule.jobs.model import (
        ArchivePart,
        Checkpoint,
        Fence,
        Job,
        JobRequest,
        NewPart,
        OnError,
        Published,
    )

Defer = Callable[[Connection, str], None]
# What must come true together with the completion of a part: the job after it, and the part.
WithPart = Callable[[Connection, "Job", "ArchivePart"], None]

T = TypeVar("T")

WEEK = 7 * 86_400.0
ALL_AGAIN: Final = Renewal()
"""Every failed file is tried again, under its own link."""

# Seconds that a run waits for a database that is away, and between two tries.
PATIENCE = 60.0
_TRY_EVERY = 0.5


class JobStore(JobReads):
    """Remembers jobs. `clock` gives seconds since the epoch; the other times are in seconds."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], float] = time.time,
        *,
        retention: float = WEEK,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(engine)
        self._clock = clock
        self._retention = retention
        self._patience = patience
        self._entries = EntryRows(engine.dialect)

    def check_quota(self, client: str, idempotency_key: str | None, limit: Quota) -> None:
        """Raise QuotaExceeded if the client could not create a job now.

        A key that has been used already needs no place: its request may come again.
        """
        with reading(self._engine) as connection:
            values = {"of_client": client, "of_key": idempotency_key}
            if (
                idempotency_key is not None
                and connection.execute(queries.EARLIER_JOB, values).one_or_none()
            ):
                return
            quota.check(connection, client, limit, self._clock(), coming=1)

    def create(self, request: JobRequest, *, defer: Defer, limit: Quota = UNLIMITED) -> str:
        """Accept a job and give its hash: 128 random bits, 32 hex digits.

        A client's idempotency key that has been used answers with the hash it gave, and nothing is
        created; raises Conflict where the earlier request was another. Raises QuotaExceeded where
        the client would have more than `limit`.
        """
        digest = None if request.idempotency_key is None else request_digest(request)
        try:
            return self._create(request, digest, defer, limit)
        except IntegrityError:
            # Two requests of one key at once, in a database that lets both look first.
            if digest is None:
                raise
            return self._create(request, digest, defer, limit)

    def _create(self, request: JobRequest, digest: str | None, defer: Defer, limit: Quota) -> str:
        hash_, now = secrets.token_hex(16), self._clock()
        with writing(self._engine) as connection:
            quota.enter(connection, request.client, limit)
            if digest is not None and (earlier := _earlier(connection, request, digest)):
                return earlier
            row = row_of(request, hash_, digest, now)
            job_id = connection.execute(queries.INSERT_JOB, row).scalar_one()
            quota.check(connection, request.client, limit, now)
            self._entries.insert(connection, job_id, request.sources)
            defer(connection, hash_)
        return hash_

    def begin(self, hash_: str) -> Run | None:
        """Start, or take over, a job's run; None where there is nothing to run (any more).

        The attempt number rises: whatever an earlier run still writes is refused from now on.
        """
        token = secrets.token_hex(16)
        values = {"of_hash": hash_, "now": self._clock(), "new_token": token}
        with writing(self._engine) as connection:
            row = connection.execute(queries.BEGIN_JOB, values).one_or_none()
        if row is None:
            return None
        fruitless = row.fruitless_runs - 1
        if fruitless >= MOST_FRUITLESS_RUNS:
            return Run(job_of(row), row.attempt, (), token=token, fruitless=fruitless)
        # Read outside that transaction, so that nobody waits for a hundred thousand rows. In
        # between, only a later change of state can have touched them: then this run is over.
        with reading(self._engine) as connection:
            latest = connection.execute(queries.VERSION, {"of_hash": hash_}).one()
            if latest.version != row.version:
                return None
            sources, remembered = load(connection, row)
            parts = read_archive_parts(connection, row.id) if row.max_part_bytes else ()
        recorded_by = row.recorded_by or 0
        return Run(
            job_of(row), row.attempt, sources, remembered, recorded_by, token, fruitless, parts
        )

    def checkpoint(self, fence: Fence, checkpoint: Checkpoint) -> None:
        """Remember what became certain. Raises StaleAttempt."""
        values = _fenced(fence) | progress_values(checkpoint)

        def write() -> None:
            with writing(self._engine) as connection:
                version = connection.execute(queries.CHECKPOINT_JOB, values).scalar_one_or_none()
                if version is None:
                    raise _stale()
                self._entries.update(connection, fence.job_id, version, checkpoint)
                if checkpoint.uploads is not None:
                    write_uploads(connection, fence.job_id, checkpoint.uploads)
                    if checkpoint.uploads.parts:
                        connection.execute(queries.END_STORAGE_WAIT, {"of_job": fence.job_id})

        self._patiently(write)

    def add_part(
        self,
        fence: Fence,
        part: NewPart,
        *,
        in_same_transaction: WithPart = lambda _connection, _job, _part: None,
    ) -> ArchivePart:
        """Remember that a part is published, all of whose files a checkpoint has told.

        Again for the same area it changes nothing. Raises StaleAttempt.
        """

        def write() -> ArchivePart:
            with writing(self._engine) as connection:
                row = connection.execute(queries.NOTE_PART, _fenced(fence)).one_or_none()
                if row is None:
                    raise _stale()
                added, is_new = add_archive_part(connection, row.id, row.version, part)
                if is_new:
                    in_same_transaction(connection, job_of(row), added)
                return added

        return self._patiently(write)

    def wait_for_storage(self, fence: Fence, reason: str) -> float:
        """Record why a job waits for the object store; return for how many seconds it has.

        It waits until a run has stored a part or the archive. Raises StaleAttempt.
        """
        now = self._clock()
        values = _fenced(fence) | {"now": now, "new_reason": storable(reason)}

        def write() -> float:
            with writing(self._engine) as connection:
                row = connection.execute(queries.WAIT_FOR_STORAGE, values)
                since: float | None = row.scalar_one_or_none()
            if since is None:
                raise _stale()
            return max(0.0, now - since)

        return self._patiently(write)

    def renew(self, fence: Fence, urls: Mapping[int, str]) -> None:
        """Replace the links of failed files of a run, by position, so that its next run tries them.

        They keep what they have, as with `retry`. Raises StaleAttempt, NotFailedFiles.
        """
        with writing(self._engine) as connection:
            row = connection.execute(queries.RENEW_JOB, _fenced(fence)).one_or_none()
            if row is None:
                raise _stale()
            try_again(connection, self._entries, job_of(row), Renewal(frozenset(urls), urls))

    def release(self, fence: Fence) -> None:
        """Do not count a run that ends for no fault of its job's, such as a drain, as fruitless.

        A run that has lost its job, or has come further than those before, changes nothing.
        """

        def write() -> None:
            with writing(self._engine) as connection:
                connection.execute(queries.RELEASE_JOB, _fenced(fence))

        self._patiently(write)

    def complete(
        self,
        fence: Fence,
        published: Published,
        checkpoint: Checkpoint,
        *,
        in_same_transaction: InSameTransaction | None = None,
    ) -> Job:
        """Complete a job whose archive is published. Raises StaleAttempt."""
        values: Values = {"new_size": published.size, "new_etag": published.etag}
        values |= _fenced(fence) | progress_values(checkpoint)
        return self._finish(queries.COMPLETE_JOB, values, checkpoint, in_same_transaction)

    def fail(
        self,
        fence: Fence,
        failure: Failure,
        checkpoint: Checkpoint | None = None,
        *,
        unless_finishing: bool = False,
        in_same_transaction: InSameTransaction | None = None,
    ) -> Job:
        """Fail a job; what it has is kept for a retry.

        Raises StaleAttempt; with `unless_finishing` also where the job is to be completed instead
        with what it has.
        """
        values = _fenced(fence) | {
            "new_code": failure.code.value,
            "new_detail": storable(failure.detail),
            "new_http_status": failure.http_status,
            "new_attempts": failure.attempts,
        }
        if checkpoint is None:
            return self._finish(queries.FAIL_JOB, values, None, in_same_transaction)
        values |= progress_values(checkpoint)
        statement = queries.FAIL_JOB_UNLESS_FINISHING if unless_finishing else queries.FAIL_JOB_AT
        return self._finish(statement, values, checkpoint, in_same_transaction)

    def _finish(
        self,
        statement: Executable,
        values: Values,
        checkpoint: Checkpoint | None,
        in_same_transaction: InSameTransaction | None,
    ) -> Job:
        values |= {"now": self._clock(), "retention": self._retention}

        def write() -> Job:
            with writing(self._engine) as connection:
                row = connection.execute(statement, values).one_or_none()
                if row is None:
                    raise _stale()
                job = job_of(row)
                if checkpoint is not None:
                    self._entries.update(connection, job.id, job.version, checkpoint)
                    if checkpoint.uploads is not None:
                        write_uploads(connection, job.id, checkpoint.uploads)
                if job.state is JobState.COMPLETED and row.upload is not None:
                    forget_parts(connection, job.id)
                if in_same_transaction is not None:
                    in_same_transaction(connection, job)
            return job

        return self._patiently(write)

    def _patiently(self, write: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return write()
            except DatabaseAway:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_TRY_EVERY)

    def cancel(self, hash_: str, *, in_same_transaction: InSameTransaction | None = None) -> Job:
        """Cancel a job; its run finds out soon, and what it still writes is refused.

        Again for a cancelled one changes nothing. Raises NotFound, NotAllowedInState.
        """
        with writing(self._engine) as connection:
            return self._cancel(connection, hash_, in_same_transaction)

    def _cancel(
        self, connection: Connection, hash_: str, in_same_transaction: InSameTransaction | None
    ) -> Job:
        values = {"now": self._clock(), "retention": self._retention}
        job = change(connection, queries.CANCEL_JOB, hash_, values)
        if job is None:
            return already(connection, hash_, JobState.CANCELLED)
        # It is never run again, and nobody asks for its links.
        connection.execute(file_queries.FORGET_FILES, {"of_job": job.id})
        forget_archive_parts(connection, job.id)
        if in_same_transaction is not None:
            in_same_transaction(connection, job)
        return job

    def retry(
        self,
        hash_: str,
        on_error: OnError | None = None,
        renewal: Renewal = ALL_AGAIN,
        *,
        defer: Defer,
        limit: Quota = UNLIMITED,
    ) -> Job:
        """Queue a failed job again: it keeps what it has and tries once more what failed.

        With `on_error` the job's own is replaced: with SKIP, what fails again is left out. Raises
        NotFound, NotAllowedInState, NotFailedFiles, QuotaExceeded.
        """
        values = {"new_on_error": None if on_error is None else on_error.value}
        with writing(self._engine) as connection:
            quota.enter(connection, find(connection, hash_).client, limit)
            job = change(connection, queries.RETRY_JOB, hash_, values)
            if job is None:
                raise not_allowed(find(connection, hash_), JobState.QUEUED)
            quota.check(connection, job.client, limit, self._clock())
            job = try_again(connection, self._entries, job, renewal)
            defer(connection, hash_)
        return job

    def finish(self, hash_: str, *, defer: Defer) -> Job:
        """Complete a job soon, with what is packed; the other files count as failed.

        A run hears of it soon; a failed job is queued for it. Again, or for a completed job, it
        changes nothing. Raises NotFound; NotAllowedInState also where nothing is packed.
        """
        with writing(self._engine) as connection:
            known = find(connection, hash_)
            if known.finishing or known.state is JobState.COMPLETED:
                return known
            is_open = known.state in {JobState.QUEUED, JobState.RUNNING}
            statement = queries.FINISH_OPEN_JOB if is_open else queries.FINISH_FAILED_JOB
            job = change(connection, statement, hash_, {}) if known.progress.files_done else None
            if job is None:
                raise not_finishable(known)
            if not is_open:
                defer(connection, hash_)
        return job

    def expire(self, hash_: str, *, in_same_transaction: InSameTransaction | None = None) -> Job:
        """Expire an ended job: its files are forgotten, its row stays to tell what became of it.

        Its archive is to be removed afterwards: `in_same_transaction` may put that into the queue.
        Again for an expired one changes nothing. Raises NotFound, NotAllowedInState.
        """
        with writing(self._engine) as connection:
            return expire(connection, hash_, in_same_transaction)

    def delete_expired(self, older_than: float, limit: int = 500) -> int:
        """Delete the records of jobs that ended so many seconds ago and have expired; some at once.

        Returns how many there were.
        """
        values = {"until": self._clock() - older_than, "most": limit}
        with writing(self._engine) as connection:
            return connection.execute(queries.DELETE_EXPIRED, values).rowcount

    def forget_links(self, job_id: int) -> None:
        """Forget the files of a completed job, but those that failed or have a warning."""
        with writing(self._engine) as connection:
            if connection.execute(queries.DROP_LINKS, {"of_job": job_id}).first() is not None:
                connection.execute(file_queries.FORGET_PACKED_FILES, {"of_job": job_id})

    def delete(self, hash_: str, *, in_same_transaction: InSameTransaction | None = None) -> Job:
        """Delete a job in whatever state: cancelled first where it is still open. Raises NotFound.

        As with `expire`, the archive and the scratch are to be removed afterwards.
        `in_same_transaction` runs for each change of state, so twice for an open job.
        """
        with writing(self._engine) as connection:
            if find(connection, hash_).state in {JobState.QUEUED, JobState.RUNNING}:
                self._cancel(connection, hash_, in_same_transaction)
            return expire(connection, hash_, in_same_transaction)


def _earlier(connection: Connection, request: JobRequest, digest: str) -> str | None:
    """Find the job that this client's key has made already. Raises Conflict."""
    values = {"of_client": request.client, "of_key": request.idempotency_key}
    row = connection.execute(queries.EARLIER_JOB, values).one_or_none()
    if row is None:
        return None
    if row.request_digest != digest:
        raise Conflict(
            "This Idempotency-Key was used for another request; use a new key for a new request."
        )
    return str(row.hash)


def _fenced(fence: Fence) -> Values:
    return {"of_job": fence.job_id, "of_attempt": fence.attempt, "of_token": fence.token}


def _stale() -> StaleAttempt:
    return StaleAttempt("This run no longer holds its job, which was taken over or cancelled.")
