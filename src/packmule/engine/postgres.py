"""The engine of many machines: Procrastinate's queue, in the PostgreSQL database of the jobs.

Owns the port's promises there, the same as `embedded.py` makes; its parts are
`procrastinate_queue.py` (who holds what), `pg_listener.py` (waking up), `shared_transaction.py`
(one transaction for their rows and ours) and, shared with the embedded engine, `dispatcher.py`
(threads). What differs:

- Each kind and client is a queue of its own, so that no kind waits for another, and clients take
  turns. Of one client and priority the task that was put in first goes first, even where another
  was due sooner.
- A worker's death is noticed by its silence alone: its tasks are free after `lease` seconds, and
  are begun by another within a fifth of that.

Why Procrastinate's tables, and not our own table on PostgreSQL too, but not its worker:
docs/decisions/0023-procrastinate.md.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from packmule.engine import procrastinate_queries as queries
from packmule.engine.dispatcher import Dispatcher
from packmule.engine.interface import ToDo
from packmule.engine.pg_listener import LOOK_EVERY, listening
from packmule.engine.procrastinate_queue import ProcrastinateQueue, put_in, subject_of
from packmule.engine.shared_transaction import translating_errors
from packmule.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Event

    from sqlalchemy import Connection, Engine

    from packmule.engine.interface import Handler, Task

_log = logging.getLogger(__name__)

LEASE = 15.0


class PostgresEngine:
    """Durable tasks in the jobs' database.

    `lease` is how many seconds a worker that shows no sign of life keeps its tasks. When a task is
    due is decided by the database's clock; `clock` only times this worker's own turns. After
    `look_every` seconds it looks without a notification.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], float] = time.monotonic,
        *,
        lease: float = LEASE,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._lease = lease
        self._look_every = look_every

    def defer(self, connection: Connection, task: Task) -> None:
        """Put a task into the queue, in the transaction of `connection`."""
        put_in(connection, task)

    def run(
        self, handlers: Mapping[str, Handler], *, concurrency: Mapping[str, int], stop: Event
    ) -> None:
        """Run due tasks, at most `concurrency[kind]` of a kind at once, until `stop` is set."""
        queue = ProcrastinateQueue(self._engine, self._clock, lease=self._lease)
        with listening(self._engine, look_every=self._look_every) as notices:
            try:
                Dispatcher(
                    queue,
                    notices,
                    handlers=handlers,
                    concurrency=concurrency,
                    stop=stop,
                    clock=self._clock,
                    is_gone=lambda _: False,
                    lease=self._lease,
                ).run()
            finally:
                _leave(queue)

    def without_task(self, tasks: Sequence[Task]) -> list[Task]:
        """Return those of which, by kind and key, none waits and none is in work.

        Raises DatabaseAway.
        """
        subjects = {subject_of(task): task for task in tasks}
        with translating_errors(), self._engine.connect() as connection:
            found = set(connection.scalars(queries.OF_SUBJECTS, {"subjects": list(subjects)}))
        return [task for subject, task in subjects.items() if subject not in found]

    def queue_age(self) -> float:
        """Seconds the oldest due task has waited; 0.0 when nothing waits. Raises DatabaseAway."""
        with translating_errors(), self._engine.connect() as connection:
            return connection.execute(queries.OLDEST_DUE).scalar_one() or 0.0

    def to_do(self, key: str) -> tuple[ToDo, ...]:
        """List the tasks of a subject, those in work too. Raises DatabaseAway."""
        with translating_errors(), self._engine.connect() as connection:
            return tuple(
                # What is told with a task are the tries before the one that is in work.
                ToDo(kind, due_in, tries + in_work, in_work=in_work)
                for kind, due_in, tries, in_work in connection.execute(queries.OF_KEY, {"key": key})
            )

    def count_workers(self) -> dict[str, int]:
        """Count the workers that are alive, and those that died within a day. Raises DatabaseAway.

        One that ends by itself is in neither.
        """
        with translating_errors(), self._engine.connect() as connection:
            ages = list(connection.scalars(queries.SIGNS))
        alive = sum(age <= self._lease for age in ages)
        return {"alive": alive, "dead": len(ages) - alive}

    def worker_age(self) -> float | None:
        """Seconds since a worker has last shown itself; None for never. Raises DatabaseAway."""
        with translating_errors(), self._engine.connect() as connection:
            age: float | None = connection.execute(queries.LAST_SIGN).scalar_one()
        return age


def _leave(queue: ProcrastinateQueue) -> None:
    try:
        queue.leave()
    except (SQLAlchemyError, StorageFailed) as error:
        _log.warning("worker not unregistered error=%s", type(error).__name__)
