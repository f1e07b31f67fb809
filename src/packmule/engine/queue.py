"""The table `tasks` as one worker uses it: find what is due, lease it, hand it back.

Owns the meaning of leases: a worker holds a task until `lease` seconds after the last renewal, or
until that worker is known to be dead; then anyone may take it. Each lease has a random token of its
own, so that a run that lost its task can neither renew nor end a later lease of the same task, not
even one of the same worker. Leaves threads and timing to `dispatcher.py`, which task is next
to `fairness.py`, how many clients one query covers to `due_scan.py`, SQL to `queries.py`.
"""

from __future__ import annotations

import math
import secrets
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from packmule.engine import queries
from packmule.engine.due_scan import DueScan
from packmule.engine.fairness import Waiting, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

# An execution option by which a transaction begins as a reader and waits for no writer; the
# database that `packmule.jobs.database.connect` opens knows it, another one passes it over.
READS = {"packmule_reads": True}

LONGEST_WAIT = 30.0
"""Seconds after which a writer that waits for another one gives up."""

# Seconds a write may take to begin, beyond which others were waiting too.
_PROMPT = 0.1

# Seconds in which those who also waited can renew their leases.
_GRACE = 1.0

# The same after the clock was set forward, when all leases seem to have expired.
_STEP_GRACE = 5.0

# Looks for dead workers, at the start and after the clock was set back, with which it is looked
# whether rows were written in the future.
_PUT_BACK_LOOKS = 60

# A client and one of its priorities; before all of them.
_Place = tuple[str, int]
_BEGINNING: _Place = ("", -(2**31))


class Liveness(Protocol):
    """Knows which workers are alive."""

    def present(self) -> AbstractContextManager[str]:
        """Draw a name for this worker, for as long as the context lasts."""

    def is_gone(self, name: str, /) -> bool:
        """Return whether that worker is surely dead."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A task in hand; `tries` counts how often in a row it was begun, the last try included.

    `client` is on whose behalf, as `Queue.client_of` names it. `lease` is this lease's own token:
    the same task taken again, by whichever worker, has another.
    """

    id: int
    kind: str
    key: str
    tries: int
    client: str
    lease: str

    def __repr__(self) -> str:
        """Show the beginning of the key only: the whole may open an archive."""
        return f"<Leased {self.kind}-{self.key[:8]} try={self.tries} lease={self.lease}>"


@dataclass(frozen=True, slots=True)
class Ended:
    """A task whose handler has returned: finished, or (`again`) to be run in so many seconds."""

    task: Leased
    again: float | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class TurnResult:
    """The result of a turn: tasks now in hand, and leases lost to another worker."""

    leased: tuple[Leased, ...]
    lost: frozenset[str]


class Queue(Protocol):
    """A queue of tasks as one worker sees it; `WorkerQueue` says what each method means."""

    def find_due(
        self, now: float, free: Mapping[str, int], mine: Collection[int], /
    ) -> dict[str, list[int]]:
        """Find the ids of tasks to begin now."""

    def client_of(self, id_: int, /) -> str:
        """Name the client of a task that was found last."""

    def next_time(self, now: float, /) -> float:
        """Return when to look again."""

    def exchange(
        self, ended: Collection[Ended], renew: Collection[str], wanted: Collection[int], /
    ) -> TurnResult:
        """Hand back, renew and begin tasks in one transaction."""

    def free_the_gone(self, is_gone: Callable[[str], bool], /) -> None:
        """Free the tasks of dead workers."""

    def clock_was_set(self, step: float, /) -> None:
        """Take into account that the clock was set by so many seconds."""


class WorkerQueue:
    """The queue as the worker of that name sees it."""

    def __init__(
        self, engine: Engine, clock: Callable[[], float], *, worker: str, lease: float
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._worker = worker
        self._lease = lease
        self._clients: dict[int, str] = {}
        self._scans: dict[str, DueScan[_Place]] = {}
        self._take_over_at = float("-inf")
        self._longest_wait = LONGEST_WAIT
        self._put_back_looks = _PUT_BACK_LOOKS

    def find_due(
        self, now: float, free: Mapping[str, int], mine: Collection[int]
    ) -> dict[str, list[int]]:
        """Find the ids of tasks to begin now, at most `free[kind]` of a kind, in their order.

        First those whose worker has lost them: they were begun already.
        """
        found: dict[str, list[int]] = {}
        expired_by = self._expired_by(now)
        with self._reading() as connection:
            leased = connection.execute(queries.LEASED).all()
            self._clients = {row.id: row.client for row in leased}
            for kind, most in free.items():
                of_kind = [row for row in leased if row.kind == kind]
                lost = [
                    row.id
                    for row in of_kind
                    if row.lease_expires_at <= expired_by and row.id not in mine
                ][:most]
                waiting = self._waiting(connection, kind, now, most)
                self._clients |= {one.id: one.client for one in waiting}
                in_work = Counter(row.client for row in of_kind)
                found[kind] = lost + choose(waiting, in_work, most - len(lost))
        return found

    def client_of(self, id_: int) -> str:
        """Name the client of a task that was found last."""
        return self._clients[id_]

    def _waiting(self, connection: Connection, kind: str, now: float, most: int) -> list[Waiting]:
        """Find what is due of a kind: enough to choose from."""

        def walk(place: _Place, groups: int) -> tuple[int, _Place | None, list[Waiting]]:
            values = {"kind": kind, "now": now, "most": most, "groups": groups}
            values |= {"client": place[0], "priority": place[1]}
            rows = connection.execute(queries.FIND_DUE, values).all()
            count = max((row.number for row in rows), default=0)
            last = [(row.client, row.priority + 1) for row in rows if row.number == count]
            due = [
                Waiting(row.id, row.client, row.priority, row.due_at)
                for row in rows
                if row.id is not None
            ]
            return count, last[0] if count == groups else None, due

        scan = self._scans.setdefault(kind, DueScan(_BEGINNING))
        return scan.look(walk, most)

    def next_time(self, now: float) -> float:
        """Return when a task will next be due or free, later than now; or infinity.

        With the `now` of `find_due`, no task falls between the two.
        """
        with self._reading() as connection:
            times = [
                connection.execute(statement, {"now": now}).scalar_one()
                for statement in (queries.NEXT_DUE, queries.NEXT_EXPIRY)
            ]
        if self._take_over_at > now:
            times.append(self._take_over_at)
        return min((time for time in times if time is not None), default=float("inf"))

    def exchange(
        self, ended: Collection[Ended], renew: Collection[str], wanted: Collection[int]
    ) -> TurnResult:
        """Hand back what has ended, renew what is in hand and lease what is wanted, or do nothing.

        A worker that waits for the database may wait for longer than its lease lasts, and is alive
        all the same. So one that had to wait itself takes nothing over before the others could
        renew, unless no writer can have waited for that long.
        """
        asked_at = self._clock()
        with self._engine.begin() as connection:
            now = self._clock()
            if now - asked_at > _PROMPT:
                self._take_over_at, self._longest_wait = now + _GRACE, LONGEST_WAIT
            expired_by = self._expired_by(now)
            for one in ended:
                self._give_back(connection, one)
            # Before leasing: after a long sleep of the machine, what is in hand comes first.
            lost = self._renew(connection, renew)
            values = {
                "worker": self._worker,
                "expired_by": expired_by,
                "now": now,
                "until": self._clock() + self._lease,
            }
            leased = [
                Leased(*row)
                for id_ in wanted
                for row in connection.execute(
                    queries.LEASE, values | {"id": id_, "token": secrets.token_hex(8)}
                )
            ]
        return TurnResult(tuple(leased), lost)

    def _give_back(self, connection: Connection, ended: Ended) -> None:
        """Remove a finished task or put it back; leave one that another worker has taken over."""
        task = ended.task
        held = {"id": task.id, "worker": self._worker, "token": task.lease}
        if ended.again is None:
            connection.execute(queries.FINISH, held)
            return
        now = self._clock()
        due_at = now + ended.again
        back = {**held, "due_at": due_at, "tries": ended.tries, "now": now}
        if connection.execute(queries.RETURN_TASK, back).rowcount == 0 and (
            connection.execute(queries.FINISH, held).rowcount == 1
        ):
            # It was asked for again meanwhile: the two are one.
            subject = {"kind": task.kind, "key": task.key, "due_at": due_at, "now": now}
            connection.execute(queries.PULL_FORWARD, subject)

    def _renew(self, connection: Connection, mine: Collection[str]) -> frozenset[str]:
        if not mine:
            return frozenset()
        now = self._clock()
        values = {
            "worker": self._worker,
            "now": now,
            "until": now + self._lease,
            "mine": list(mine),
        }
        return frozenset(mine) - set(connection.scalars(queries.RENEW, values))

    def free_the_gone(self, is_gone: Callable[[str], bool]) -> None:
        """Free the tasks of dead workers at once."""
        self._put_back()
        values = {"worker": self._worker, "now": self._clock()}
        with self._reading() as connection:
            others = set(connection.scalars(queries.OTHER_WORKERS, values))
        gone = [name for name in others if is_gone(name)]
        if gone:
            with self._engine.begin() as connection:
                for name in gone:
                    connection.execute(queries.FREE_LEASES, {"worker": name, "now": self._clock()})

    def clock_was_set(self, step: float) -> None:
        """Take over nothing before the others could renew; put back what is due too late.

        A transaction that began before the step may end after it: so this is looked for some times.
        """
        if step > 0:
            self._take_over_at = self._clock() + _STEP_GRACE
            self._longest_wait = math.inf
        else:
            self._take_over_at = float("-inf")
            self._put_back_looks = _PUT_BACK_LOOKS

    def _put_back(self) -> None:
        """Where rows were written in the future, count their times from now on."""
        if not self._put_back_looks:
            return
        self._put_back_looks -= 1
        with self._reading() as connection:
            is_ahead = connection.execute(queries.IS_AHEAD, {"now": self._clock()}).first()
        if is_ahead is not None:
            with self._engine.begin() as connection:
                connection.execute(queries.PUT_BACK, {"now": self._clock()})

    def _expired_by(self, now: float) -> float:
        """Return until when a lease must have expired for its task to be taken over."""
        return now if now >= self._take_over_at else now - self._longest_wait

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(**READS) as connection:
            yield connection
