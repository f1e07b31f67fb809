"""One worker's dealings with Procrastinate's queue: what is due, what it holds, what it gives back.

Owns what `queue.py` owns for one machine, for workers that see each other only in the database:
each beats a heart there, and what is held by one that has been silent for `lease` seconds is
anyone's. Leaves threads and timing to `dispatcher.py`, and every write to Procrastinate.

A task that is given back to run again, or is taken over, is added again and the old one removed, in
one transaction, so that the worker that held it before can no longer end it. A row is begun at most
once, so a random token in it is the lease's own; a row's number alone would not do, since a standby
that takes over may use one again. A worker looks at its task under lock before it ends it.

A commit whose answer was lost may have come through: what was ended stays ended, and a task that
was begun without our knowing is found at the next beat, and waits again.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

from packmule.engine import procrastinate_queries as queries
from packmule.engine.clock_steps import ClockSteps
from packmule.engine.dispatcher import BEAT_AFTER
from packmule.engine.due_scan import DueScan
from packmule.engine.fairness import Waiting, choose
from packmule.engine.interface import Task
from packmule.engine.pg_registration import Registration, register
from packmule.engine.queue import Leased, TurnResult
from packmule.engine.shared_transaction import (
    at_once,
    driver_connection,
    manager_of,
    translating_errors,
)
from packmule.errors import DatabaseAway

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Engine, Row

    from packmule.engine.queue import Ended

_log = logging.getLogger(__name__)

# Seconds after which a worker that is silent is forgotten altogether.
_FORGET_AFTER = 86_400.0

# Of clients in one look: what is not found in them is looked for in the next, a moment later.
_WINDOWS = 4

# Heartbeats, at the start and after the clock was set back, with which it is looked whether tasks
# were put in in the future.
_PUT_BACK_LOOKS = 20

# Hours for which tasks are kept that a tool of Procrastinate has ended, and seconds between two
# looks for such. Ours are removed when they end.
_KEEP_STRAYS = 24
_TIDY_EVERY = 3600.0

_TASK_NAMES = "packmule."

# Never opened: what is put in goes through the connection that is given with it.
_deferring = JobManager(SyncPsycopgConnector())


def put_in(connection: Connection, task: Task, tries: int = 0) -> None:
    """Put a task into the queue, in the transaction of `connection`.

    One of its subject that waits already is pulled forward where this one is sooner or weightier.
    """
    now = connection.execute(queries.NOW).scalar_one()
    due_at = now + timedelta(seconds=task.delay)
    job = Job(
        queue=_queue(task),
        task_name=f"{_TASK_NAMES}{task.kind}",
        task_kwargs={
            "key": task.key,
            "client": task.client,
            "tries": tries,
            "lease": secrets.token_hex(8),
            "at": now.timestamp(),
        },
        lock=subject_of(task),
        queueing_lock=subject_of(task),
        priority=task.priority,
        scheduled_at=due_at,
    )
    while not _insert(connection, job):
        waiting = connection.execute(queries.WAITING, {"subject": subject_of(task)}).one_or_none()
        if waiting is None:
            continue  # begun in this very moment: so another may wait
        if waiting.scheduled_at <= job.scheduled_at and waiting.priority >= job.priority:
            return
        job = job.evolve(
            scheduled_at=min(waiting.scheduled_at, job.scheduled_at),
            priority=max(waiting.priority, job.priority),
            task_kwargs={**waiting.args, "at": now.timestamp()},
        )
        with translating_errors():
            _deferring.cancel_job_by_id(
                waiting.id, delete_job=True, connection=driver_connection(connection)
            )


def _insert(connection: Connection, job: Job) -> bool:
    """Put a job in; False where one of its subject waits."""
    try:
        with connection.begin_nested(), translating_errors():
            _deferring.defer_job(job, connection=driver_connection(connection))
    except AlreadyEnqueued:
        return False
    return True


def subject_of(task: Task) -> str:
    """Name what a task is about: of one such name at most one waits, and one is in work."""
    return f"{task.kind}:{task.key}"


def _queue(task: Task) -> str:
    """Name the queue of a kind and a client; a notice's name has room for 63 bytes only."""
    if not task.client:
        return task.kind
    digest = hashlib.sha256(task.client.encode(errors="surrogateescape")).hexdigest()
    return f"{task.kind}:{digest[:16]}"


class ProcrastinateQueue:
    """The queue as one worker sees it; times are the database's, `clock` is the dispatcher's."""

    def __init__(self, engine: Engine, clock: Callable[[], float], *, lease: float) -> None:
        self._engine = engine
        self._clock = clock
        self._lease = lease
        self._me: Registration | None = None
        self._kinds: list[str] = []
        self._found: dict[int, str] = {}
        self._in_hand: set[str] = set()
        self._scan = DueScan("", _WINDOWS)
        self._beat_at = self._judge_at = self._seen_at = self._tidy_at = float("-inf")
        self._steps = ClockSteps()
        self._put_back_looks = _PUT_BACK_LOOKS

    def find_due(
        self, _now: float, free: Mapping[str, int], _mine: Collection[int]
    ) -> dict[str, list[int]]:
        """Find tasks that could be begun now, at most `free[kind]` of a kind, in their order.

        Each client has a queue of its own for each kind, and they take turns.
        """
        self._kinds = list(free)
        most = max(free.values())
        with translating_errors(), self._engine.connect() as connection:
            due = self._due(connection, most)
            in_work = {row.queue: row.number for row in connection.execute(queries.IN_WORK)}
        self._found = {one.id: one.client for one in due}
        return {
            kind: choose([one for one in due if _kind(one.client) == kind], in_work, most)
            for kind, most in free.items()
        }

    def client_of(self, id_: int) -> str:
        """Name the queue of a task that was found last: each client has one of its own."""
        return self._found[id_]

    def _due(self, connection: Connection, most: int) -> list[Waiting]:
        """Find what is due, of some of the clients; the next look is soon, and takes the next."""
        asked = {"kinds": self._kinds, "most": most}

        def walk(first: str, queues: int) -> tuple[int, str | None, list[Waiting]]:
            values = asked | {"first": first, "queues": queues}
            rows = connection.execute(queries.DUE, values).all()
            count = max((row.number for row in rows), default=0)
            last = [row.queue for row in rows if row.number == count]
            return count, last[0] if count == queues else None, _waiting(rows)

        of_nobody = _waiting(connection.execute(queries.DUE_OF_NOBODY, asked).all())
        found = {one.id: one for one in (*of_nobody, *self._scan.look(walk, most))}
        return list(found.values())

    def next_time(self, now: float) -> float:
        """Return when a task of the kinds last looked for will be due; or infinity."""
        with translating_errors(), self._engine.connect() as connection:
            seconds = connection.execute(queries.NEXT_DUE, {"kinds": self._kinds}).scalar_one()
        return float("inf") if seconds is None else now + seconds

    def exchange(
        self, ended: Collection[Ended], renew: Collection[str], wanted: Collection[int]
    ) -> TurnResult:
        """Hand back what has ended, check what is still ours and begin what is due, or do nothing.

        In the place of a task that was found, the first of its kind and client is begun.
        """
        with self._shared() as (connection, jobs):
            if self._me is None or not self._me.is_valid(connection):
                # Another database than the one that we registered in: nothing in it is ours.
                self._beat_at = float("-inf")
                return TurnResult((), frozenset(renew))
            for one in ended:
                self._give_back(connection, jobs, one, self._me.id)
            lost = frozenset(renew) - self._held(jobs, self._me.id) if renew else frozenset()
            leased = []
            for id_ in wanted:
                queue = [self._found[id_]]
                job = at_once(jobs.fetch_job(queues=queue, worker_id=self._me.id))
                if job is not None and _is_ours(job):
                    leased.append(_leased(job))
                elif job is not None:
                    _log.warning("foreign task refused task=%s queue=%s", job.task_name, job.queue)
                    at_once(jobs.finish_job(job, Status.FAILED, delete_job=False))
        self._in_hand -= {one.task.lease for one in ended}
        self._in_hand |= {task.lease for task in leased}
        return TurnResult(tuple(leased), lost)

    def _held(self, jobs: JobManager, worker: int) -> frozenset[str]:
        return frozenset(map(_lease_of, _jobs_of(jobs, worker)))

    def _give_back(
        self, connection: Connection, jobs: JobManager, ended: Ended, worker: int
    ) -> None:
        """Remove a finished task or put it back; leave one that another worker has taken over."""
        task = ended.task
        values = {"id": task.id, "worker": worker, "lease": task.lease}
        row = connection.execute(queries.HOLD, values).one_or_none()
        if row is None:
            return
        _remove(jobs, task)
        if ended.again is not None:
            again = Task(task.kind, task.key, row.priority, ended.again, row.args["client"])
            put_in(connection, again, ended.tries)

    def free_the_gone(self, _is_gone: object = None) -> None:
        """Send a heartbeat, and put the tasks of silent workers back into the queue."""
        now = time.monotonic()
        if now < self._beat_at:
            return
        self._beat(now)
        self._beat_at = now + self._lease * BEAT_AFTER
        if now >= self._judge_at:
            self._free_the_silent()

    def _beat(self, now: float) -> None:
        """Send a heartbeat; after an absence, judge nobody before the others could send theirs."""
        if now - self._seen_at > self._lease:
            self._judge_at = now + 2 * self._lease * BEAT_AFTER
        with self._shared() as (connection, jobs):
            self._follow_clock(connection, jobs, now)
            me = self._me
            if me is not None and me.is_valid(connection):
                at_once(jobs.update_heartbeat(me.id))
                for job in _jobs_of(jobs, me.id):
                    if _lease_of(job) not in self._in_hand:
                        _free(connection, jobs, job, "its start was not confirmed")
            else:
                # At the start; or a standby took over that had not heard of us yet.
                at_once(jobs.prune_stalled_workers(_FORGET_AFTER))
                me = register(connection, jobs)
            self._tidy(connection, jobs, now)
        self._me = me
        self._seen_at = now

    def _tidy(self, connection: Connection, jobs: JobManager, now: float) -> None:
        """Remove what tools of Procrastinate have left of tasks, which it keeps for ever."""
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_EVERY
            if connection.execute(queries.HAS_STRAYS).scalar_one():
                at_once(
                    jobs.delete_old_jobs(
                        _KEEP_STRAYS,
                        include_failed=True,
                        include_cancelled=True,
                        include_aborted=True,
                    )
                )

    def _follow_clock(self, connection: Connection, jobs: JobManager, now: float) -> None:
        """Notice that the database's clock was set, and keep it from delaying or freeing tasks."""
        wall = connection.execute(queries.NOW).scalar_one().timestamp()
        step = self._steps.look(wall, time.monotonic())
        if step > 0:  # each worker seems to have been silent: judge none before it could beat
            self._judge_at = now + 2 * self._lease * BEAT_AFTER
        elif step < 0:
            self._put_back_looks = _PUT_BACK_LOOKS
        if self._put_back_looks:
            self._put_back_looks -= 1
            for row in connection.execute(queries.AHEAD).all():
                _put_back(connection, row)
            for id_ in connection.scalars(queries.WORKERS_AHEAD).all():
                at_once(jobs.update_heartbeat(id_))

    def _free_the_silent(self) -> None:
        with self._shared() as (connection, jobs):
            for job in at_once(jobs.get_stalled_jobs(seconds_since_heartbeat=self._lease)):
                is_mine = self._me is not None and job.worker_id == self._me.id
                if _is_ours(job) and not is_mine:
                    _free(connection, jobs, job, "its worker was silent")

    def clock_was_set(self, step: float) -> None:
        """Do nothing: all times are the database's."""

    def leave(self) -> None:
        """Unregister this worker, which frees what it still holds at once."""
        if self._me is not None:
            with self._shared() as (connection, jobs):
                if self._me.is_valid(connection):
                    at_once(jobs.unregister_worker(self._me.id))
            self._me = None

    @contextmanager
    def _shared(self) -> Iterator[tuple[Connection, JobManager]]:
        """Open a transaction in which Procrastinate works too."""
        try:
            with translating_errors(), self._engine.begin() as connection:
                yield connection, manager_of(connection)
        except DatabaseAway:
            self._engine.dispose()  # perhaps another server takes its place
            raise
        except UniqueViolation as error:
            raise DatabaseAway("Two workers took one task at once; trying again.") from error


def _jobs_of(jobs: JobManager, worker: int) -> Iterable[Job]:
    """List what the database says that a worker holds."""
    held = at_once(jobs.list_jobs_async(worker_id=worker, status=Status.DOING.value))
    return filter(_is_ours, held)


def _is_ours(job: Job) -> bool:
    """Return whether a task was put in by `put_in`, and not by an operator or another program."""
    return job.task_name.startswith(_TASK_NAMES) and {"key", "tries"} <= job.task_kwargs.keys()


def _free(connection: Connection, jobs: JobManager, job: Job, why: str) -> None:
    """Put a task in work back into the queue, unless another worker is just doing so."""
    values = {"id": job.id, "worker": job.worker_id}
    row = connection.execute(queries.HOLD_STALLED, values).one_or_none()
    if row is None:
        return
    task = _leased(job)
    _remove(jobs, task)
    again = Task(task.kind, task.key, row.priority, client=row.args["client"])
    put_in(connection, again, task.tries)
    _log.warning("task freed task=%s-%s reason=%s", task.kind, task.key[:8], why)


def _put_back(connection: Connection, row: Row[Any]) -> None:
    """Have a task that was put in before the clock was set back wait no longer than it was to."""
    _deferring.cancel_job_by_id(row.id, delete_job=True, connection=driver_connection(connection))
    delay = max(0.0, row.due_at - row.args["at"])
    kind = _kind(row.queue)
    again = Task(kind, row.args["key"], row.priority, delay, row.args["client"])
    put_in(connection, again, row.args["tries"])


def _remove(jobs: JobManager, task: Leased) -> None:
    job = Job(id=task.id, queue=task.kind, lock=None, queueing_lock=None, task_name=task.kind)
    at_once(jobs.finish_job(job, Status.SUCCEEDED, delete_job=True))


def _waiting(rows: Iterable[Row[Any]]) -> list[Waiting]:
    return [
        Waiting(row.id, row.queue, row.priority, row.due_at) for row in rows if row.id is not None
    ]


def _kind(queue: str) -> str:
    return queue.partition(":")[0]


def _leased(job: Job) -> Leased:
    kwargs: dict[str, Any] = dict(job.task_kwargs)
    return Leased(
        cast("int", job.id),
        _kind(job.queue),
        str(kwargs["key"]),
        int(kwargs["tries"]) + 1,
        job.queue,
        _lease_of(job),
    )


def _lease_of(job: Job) -> str:
    """Return the token of a job's row; one put in by an earlier version has none."""
    return str(job.task_kwargs.get("lease") or f"row-{job.id}")
