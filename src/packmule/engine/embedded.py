"""The engine of one machine: the durable table that holds the tasks is itself the queue.

Owns the port's promises; its parts are `queue.py` (leases), `fairness.py` (who is next),
`dispatcher.py` (threads), `change_watch.py` (waking up) and `liveness.py` (who is dead). What it
promises beyond `interface.py`:

- Deferring what waits already is one task, pulled forward where the second is sooner.
- Two runs of one kind and key are never in work at once, while their worker shows signs of life.
- Clients take turns; of one client's tasks the greater priority goes first, then the longer due
  (`fairness.py`). A kind that nobody handles waits.
- A task in work for long does not count among the `concurrency`, up to a bound; at the bound it is
  asked to stop where others wait.
- A task whose handler raised is tried again after 1, 2, 4, … at most 60 seconds, for ever: it is
  never lost, and an operator who has fixed the cause need not ask for it. `Later` is no fault.
- The clock may be set: back, nothing waits for longer than it was to wait; forward, nothing that is
  in work is taken over.
- A worker's death frees its tasks at once where it can be seen, else when the lease runs out.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.engine import queries
from packmule.engine.change_watch import watching
from packmule.engine.dispatcher import Dispatcher
from packmule.engine.interface import ToDo
from packmule.engine.liveness import LockFiles, Unlocked
from packmule.engine.queue import READS, WorkerQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Event

    from sqlalchemy import Connection, Engine

    from packmule.engine.interface import Handler, Task
    from packmule.engine.queue import Liveness

LEASE = 15.0


class EmbeddedEngine:
    """Durable tasks in the jobs' database; `clock` gives seconds since the epoch.

    `steady` is a clock that nobody sets, by which it is noticed that `clock` was; None if it is
    not. `lease` is how many seconds a worker that shows no sign of life keeps its tasks.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], float] = time.time,
        *,
        steady: Callable[[], float] | None = None,
        lease: float = LEASE,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._steady = steady
        self._lease = lease

    def defer(self, connection: Connection, task: Task) -> None:
        """Put a task into the queue, in the transaction of `connection`."""
        now = self._clock()
        connection.execute(
            queries.DEFER,
            {
                "kind": task.kind,
                "key": task.key,
                "client": task.client,
                "priority": task.priority,
                "due_at": now + task.delay,
                "now": now,
            },
        )

    def run(
        self, handlers: Mapping[str, Handler], *, concurrency: Mapping[str, int], stop: Event
    ) -> None:
        """Run due tasks, at most `concurrency[kind]` of a kind at once, until `stop` is set."""
        liveness = self._liveness()
        with watching(self._engine) as watch, liveness.present() as worker:
            queue = WorkerQueue(self._engine, self._clock, worker=worker, lease=self._lease)
            Dispatcher(
                queue,
                watch,
                handlers=handlers,
                concurrency=concurrency,
                stop=stop,
                clock=self._clock,
                steady=self._steady,
                is_gone=liveness.is_gone,
                lease=self._lease,
            ).run()

    def to_do(self, key: str) -> tuple[ToDo, ...]:
        """List the tasks of a subject, those in work too, in the order they were put in."""
        now = self._clock()
        with self._engine.connect().execution_options(**READS) as connection:
            return tuple(
                ToDo(kind, due_at - now, tries, in_work=leased_by is not None)
                for kind, due_at, tries, leased_by in connection.execute(
                    queries.OF_KEY, {"key": key}
                )
            )

    def without_task(self, tasks: Sequence[Task]) -> list[Task]:
        """Return those of some tasks of which, by kind and key, none waits and none is in work."""
        found: set[tuple[str, str]] = set()
        with self._engine.connect().execution_options(**READS) as connection:
            for kind in {task.kind for task in tasks}:
                keys = [task.key for task in tasks if task.kind == kind]
                values = {"kind": kind, "keys": keys}
                rows = connection.scalars(queries.OF_KIND_AND_KEYS, values)
                found |= {(kind, key) for key in rows}
        return [task for task in tasks if (task.kind, task.key) not in found]

    def _liveness(self) -> Liveness:
        """Return how workers see each other: by lock files if they share a database file."""
        database = self._engine.url.database
        if self._engine.dialect.name != "sqlite" or database is None:
            return Unlocked()
        return LockFiles(Path(f"{database}-workers"))

    def queue_age(self) -> float:
        """Seconds the oldest due task has waited; 0.0 when nothing waits."""
        now = self._clock()
        with self._engine.connect().execution_options(**READS) as connection:
            times = [
                connection.execute(statement, {"now": now}).scalar_one()
                for statement in (queries.OLDEST_DUE, queries.OLDEST_EXPIRY)
            ]
        return max((now - time for time in times if time is not None), default=0.0)
