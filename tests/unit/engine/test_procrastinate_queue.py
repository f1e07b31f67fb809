"""One worker's dealings with the fleet's queue: who holds a task, and who may end it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url, text
from tests.fakes.postgres import DatabaseClock, cut_connections

from packmule.engine import due_scan
from packmule.engine.interface import Task
from packmule.engine.postgres import PostgresEngine
from packmule.engine.procrastinate_queue import ProcrastinateQueue, put_in
from packmule.engine.queue import Ended, Leased
from packmule.engine.shared_transaction import at_once
from packmule.errors import DatabaseAway
from packmule.jobs import database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

LEASE = 15.0
WAITING = text("SELECT args ->> 'key', (args ->> 'tries')::int FROM procrastinate_jobs ORDER BY id")


@pytest.fixture
def db(postgres_with_tables: str) -> Iterator[Engine]:
    engine = database.connect(postgres_with_tables)
    yield engine
    engine.dispose()


@pytest.fixture
def clock(postgres_with_tables: str) -> DatabaseClock:
    return DatabaseClock(postgres_with_tables)


class Hand(ProcrastinateQueue):
    """A worker's queue, worked by hand; its next turn is as late as the test wants."""

    def __init__(self, db: Engine, clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(db, clock, lease=LEASE)
        self._patch = monkeypatch
        self._now = time.monotonic()
        self.turn()
        self.turn(after=LEASE / 2)  # by now it may judge others

    def turn(self, after: float = 0.0) -> None:
        """Beat, and free what the silent have."""
        self._now += after
        self._patch.setattr(time, "monotonic", lambda: self._now)
        self._beat_at = float("-inf")
        self.free_the_gone()

    def take(self) -> list[Leased]:
        """Begin all that is due."""
        found = self.find_due(0.0, {"job": 10}, ())
        return list(self.exchange((), (), found["job"]).leased)


@pytest.fixture
def hand(db: Engine, clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch) -> Hand:
    return Hand(db, clock, monkeypatch)


@pytest.fixture
def other(db: Engine, clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch) -> Hand:
    return Hand(db, clock, monkeypatch)


def pass_a_lease(clock: DatabaseClock, awake: Hand) -> None:
    """Let more than a lease pass, in which only one worker beats."""
    for _ in range(2):
        clock.advance(LEASE * 0.6)
        awake.turn(after=LEASE * 0.6)


def defer(db: Engine, *tasks: Task) -> None:
    with db.begin() as connection:
        for task in tasks:
            put_in(connection, task)


def left(db: Engine) -> list[tuple[str, int]]:
    with database.reading(db) as connection:
        return [(key, tries) for key, tries in connection.execute(WAITING)]


def test_what_was_taken_over_is_lost_and_can_no_longer_be_ended(
    db: Engine, hand: Hand, other: Hand, clock: DatabaseClock
) -> None:
    defer(db, Task("job", "a"))
    (held,) = hand.take()
    pass_a_lease(clock, other)
    (taken,) = other.take()
    assert (taken.key, taken.tries) == ("a", 2)
    assert hand.exchange((), [held.lease], ()).lost == {held.lease}
    hand.exchange([Ended(held)], (), ())
    assert left(db) == [("a", 1)]
    other.exchange([Ended(taken)], (), ())
    assert left(db) == []


def test_what_a_silent_worker_holds_is_freed_once_however_many_look(
    db: Engine, hand: Hand, other: Hand, clock: DatabaseClock
) -> None:
    defer(db, *(Task("job", key, priority=3) for key in "abc"))
    assert len(hand.take()) == 3
    pass_a_lease(clock, other)
    other.turn()
    assert left(db) == [("a", 1), ("b", 1), ("c", 1)]
    assert [task.key for task in other.take()] == ["a", "b", "c"]


def test_who_shows_himself_keeps_what_he_holds(
    db: Engine, hand: Hand, other: Hand, clock: DatabaseClock
) -> None:
    defer(db, Task("job", "a"))
    (held,) = hand.take()
    for _ in range(5):
        clock.advance(LEASE - 1)
        hand.turn()
        other.turn()
    assert hand.exchange((), [held.lease], ()).lost == frozenset()


def test_who_was_away_himself_judges_nobody_until_the_others_could_beat(
    db: Engine, hand: Hand, other: Hand, clock: DatabaseClock
) -> None:
    defer(db, Task("job", "a"))
    (held,) = hand.take()
    clock.advance(LEASE * 4)
    other.turn(after=LEASE * 4)
    hand.turn(after=LEASE / 5)
    other.turn(after=LEASE / 5)
    assert hand.exchange((), [held.lease], ()).lost == frozenset()


def test_a_worker_the_database_has_forgotten_is_registered_anew(db: Engine, hand: Hand) -> None:
    with database.writing(db) as connection:
        connection.execute(text("DELETE FROM procrastinate_workers"))
    defer(db, Task("job", "a"))
    hand.turn()
    assert [task.key for task in hand.take()] == ["a"]


def test_what_a_leaving_worker_could_not_give_back_is_free_at_once(
    db: Engine, hand: Hand, other: Hand
) -> None:
    defer(db, Task("job", "a"))
    assert hand.take()
    hand.leave()
    other.turn()
    assert [task.key for task in other.take()] == ["a"]


def test_again_and_put_in_meanwhile_is_one_task(db: Engine, hand: Hand) -> None:
    defer(db, Task("job", "a", priority=2))
    (held,) = hand.take()
    defer(db, Task("job", "a", delay=3600))
    assert hand.take() == []
    hand.exchange([Ended(held, again=0.0, tries=1)], (), ())
    (again,) = hand.take()
    assert (again.key, again.tries) == ("a", 1)


def test_again_keeps_priority_and_tries(db: Engine, hand: Hand) -> None:
    defer(db, Task("job", "a", priority=2), Task("job", "b", priority=1))
    held = hand.take()
    hand.exchange([Ended(held[0], again=0.0, tries=4), Ended(held[1], again=0.0)], (), ())
    assert [(task.key, task.tries) for task in hand.take()] == [("a", 5), ("b", 1)]


def test_the_next_time_is_that_of_the_first_task_that_is_not_due(db: Engine, hand: Hand) -> None:
    defer(db, Task("job", "a"), Task("job", "b", delay=30), Task("other", "c", delay=5))
    hand.take()
    assert hand.next_time(100.0) == pytest.approx(130.0)


def test_a_task_of_another_transaction_is_waited_for_and_is_one(db: Engine, hand: Hand) -> None:
    with db.begin() as first:
        put_in(first, Task("job", "a", delay=60))
        put_in(first, Task("job", "a", delay=60, priority=7))
        put_in(first, Task("job", "a"))
    assert len(left(db)) == 1
    assert [task.key for task in hand.take()] == ["a"]


def test_nothing_is_kept_of_what_was_done(db: Engine, hand: Hand) -> None:
    defer(db, *(Task("job", f"{n}") for n in range(5)))
    hand.exchange([Ended(task) for task in hand.take()], (), ())
    with database.reading(db) as connection:
        for table in ("procrastinate_jobs", "procrastinate_events"):
            count = connection.exec_driver_sql(f"SELECT count(*) FROM {table}")  # noqa: S608
            assert count.scalar_one() == 0


def test_a_task_put_in_over_a_lost_connection_is_refused_as_the_rows_are(
    db: Engine, postgres_with_tables: str
) -> None:
    with pytest.raises(DatabaseAway), database.writing(db) as connection:  # noqa: PT012  # within one
        put_in(connection, Task("job", "a"))
        cut_connections(postgres_with_tables)
        put_in(connection, Task("job", "b"))
    assert left(db) == []


def test_what_procrastinate_does_over_a_lost_connection_is_told_the_same_way(
    db: Engine, hand: Hand, postgres_with_tables: str
) -> None:
    with pytest.raises(DatabaseAway), hand._shared() as (_, jobs):  # noqa: PT012  # within one
        at_once(jobs.update_heartbeat(1))
        cut_connections(postgres_with_tables)
        at_once(jobs.update_heartbeat(1))
    hand.turn()
    defer(db, Task("job", "a"))
    assert hand.take()


def test_a_task_begun_without_its_workers_knowing_waits_again(db: Engine, hand: Hand) -> None:
    defer(db, Task("job", "a", priority=2))
    joined = hand._shared

    @contextmanager
    def unanswered() -> Iterator[Any]:
        with joined() as parts:
            yield parts
        raise DatabaseAway("the commit has come through, its answer was lost")

    hand._shared = unanswered  # type: ignore[method-assign]
    with pytest.raises(DatabaseAway):
        hand.take()
    hand._shared = joined  # type: ignore[method-assign]
    assert hand.take() == []
    hand.turn()
    assert [(task.key, task.tries) for task in hand.take()] == [("a", 2)]


def test_what_is_in_hand_stays_there_at_each_beat(db: Engine, hand: Hand) -> None:
    defer(db, Task("job", "a"))
    (held,) = hand.take()
    hand.turn(after=LEASE / 5)
    assert hand.exchange((), [held.lease], ()).lost == frozenset()


def test_who_is_new_judges_nobody_until_the_others_could_beat(
    db: Engine, hand: Hand, clock: DatabaseClock
) -> None:
    defer(db, Task("job", "a"))
    (held,) = hand.take()
    clock.advance(LEASE + 1)
    newcomer = ProcrastinateQueue(db, clock, lease=LEASE)
    newcomer.free_the_gone()
    assert hand.exchange((), [held.lease], ()).lost == frozenset()


def test_clients_take_turns_and_what_a_client_has_in_work_counts(db: Engine, hand: Hand) -> None:
    defer(db, *(Task("job", f"a{n}", priority=9, client="ann") for n in range(4)))
    defer(db, *(Task("job", f"b{n}", client="10.0.0.7") for n in range(2)), Task("job", "c"))
    for wanted in ({"a0", "b0", "c"}, {"a1", "b1"}, {"a2", "a3"}):
        found = hand.find_due(0.0, {"job": len(wanted)}, ())
        leased = hand.exchange((), (), found["job"]).leased
        assert {task.key for task in leased} == wanted


def test_a_task_that_runs_again_is_its_clients_still(db: Engine, hand: Hand, other: Hand) -> None:
    defer(db, Task("job", "a", client="ann"))
    (held,) = hand.take()
    hand.exchange([Ended(held, again=0.0)], (), ())
    hand.take()
    hand.leave()
    other.turn()
    with database.reading(db) as connection:
        row = connection.execute(text("SELECT queue_name, args FROM procrastinate_jobs")).one()
    assert row.queue_name.startswith("job:")
    assert row.args["client"] == "ann"


def test_a_clients_name_may_be_of_any_length(db: Engine, hand: Hand) -> None:
    defer(db, Task("job", "a", client="ä" * 500))
    assert [task.key for task in hand.take()] == ["a"]


def test_a_worker_finds_the_server_that_writes_when_its_own_only_reads(
    db: Engine, hand: Hand
) -> None:
    with db.connect() as connection:  # given back to the pool as it is
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.commit()
    with pytest.raises(DatabaseAway):
        hand.turn()
    hand.turn()
    defer(db, Task("job", "a"))
    assert [task.key for task in hand.take()] == ["a"]


def test_of_many_clients_a_look_takes_some_and_each_has_its_turn(
    db: Engine, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_scan, "AT_ONCE", 2)
    keys = {f"{n}" for n in range(25)}
    defer(db, *(Task("job", key, client=f"client {key}") for key in sorted(keys)))
    defer(db, Task("job", "nobody's"), *(Task("job", f"a{n}", client="a flood") for n in range(9)))
    begun: list[str] = []
    for _ in range(25):
        found = hand.find_due(0.0, {"job": 2}, ())["job"]
        assert len(hand._found) <= 2 * (2 * 4 + 1)  # a look's windows, and what is nobody's
        taken = list(hand.exchange((), (), found).leased)
        begun += [task.key for task in taken]
        hand.exchange([Ended(task) for task in taken], (), ())
    assert keys | {"nobody's"} <= set(begun)
    assert len(begun) == len(set(begun))


def test_a_look_goes_on_behind_clients_of_whom_nothing_is_due(
    db: Engine, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_scan, "AT_ONCE", 2)
    defer(db, *(Task("job", f"{n}", delay=60.0, client=f"client {n}") for n in range(30)))
    defer(db, Task("job", "now", client="the one"))
    looks = [hand.find_due(0.0, {"job": 2}, ())["job"] for _ in range(12)]
    assert any(looks)


def test_a_task_waits_no_longer_than_it_was_to_although_the_clock_was_set_back(
    db: Engine, clock: DatabaseClock, hand: Hand
) -> None:
    defer(db, Task("job", "a"), Task("job", "later", delay=600.0))
    clock.advance(-3600.0)
    assert hand.take() == []
    hand.turn()
    assert [task.key for task in hand.take()] == ["a"]
    clock.advance(599.0)
    assert hand.take() == []
    clock.advance(1.0)
    assert [task.key for task in hand.take()] == ["later"]


def test_a_dead_worker_is_noticed_although_the_clock_was_set_back(
    db: Engine, clock: DatabaseClock, hand: Hand, other: Hand
) -> None:
    defer(db, Task("job", "a"))
    [held] = other.take()
    clock.advance(-3600.0)
    hand.turn()  # the other is dead: it beats no more
    clock.advance(LEASE + 1)
    hand.turn(after=LEASE)
    hand.turn(after=LEASE / 2)
    assert [task.key for task in hand.take()] == [held.key]


def test_nobody_is_taken_for_dead_because_the_clock_was_set_forward(
    db: Engine, clock: DatabaseClock, hand: Hand, other: Hand
) -> None:
    defer(db, Task("job", "a"))
    other.take()
    hand.turn()
    clock.advance(3600.0)
    hand.turn()
    assert hand.take() == []
    other.turn()
    hand.turn(after=LEASE)
    assert hand.take() == []


def test_workers_are_counted_until_they_end_and_are_dead_when_silent(
    db: Engine, clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = PostgresEngine(db, clock, lease=LEASE)
    assert engine.count_workers() == {"alive": 0, "dead": 0}
    first, second = Hand(db, clock, monkeypatch), Hand(db, clock, monkeypatch)
    assert engine.count_workers() == {"alive": 2, "dead": 0}
    clock.advance(LEASE + 1)
    first.turn()
    assert engine.count_workers() == {"alive": 1, "dead": 1}
    first.leave()
    second.leave()
    assert engine.count_workers() == {"alive": 0, "dead": 0}


def test_looking_for_tasks_in_a_database_that_is_away_says_so(
    postgres_with_tables: str, clock: DatabaseClock
) -> None:
    gone = make_url(postgres_with_tables).set(port=1).render_as_string(hide_password=False)
    db = database.connect(gone)
    queue = ProcrastinateQueue(db, clock, lease=LEASE)
    with pytest.raises(DatabaseAway) as told:
        queue.find_due(0.0, {"job": 1}, ())
    assert "Connection refused" in told.value.reason
    with pytest.raises(DatabaseAway):
        queue.next_time(0.0)
    db.dispose()
