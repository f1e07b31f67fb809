"""One worker's dealings with the table of tasks: what a lease is, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from packmule.engine import queries
from packmule.engine.due_scan import AT_ONCE
from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Task
from packmule.engine.queue import Ended, Leased, WorkerQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from tests.fakes.clock import FakeClock

LEASE = 15.0
INFINITY = float("inf")


@pytest.fixture
def defer(db: Engine, clock: FakeClock) -> Callable[..., None]:
    engine = EmbeddedEngine(db, clock)

    def deferred(
        key: str, *, delay: float = 0.0, client: str = "", priority: int = 0, kind: str = "job"
    ) -> None:
        with db.begin() as connection:
            engine.defer(connection, Task(kind, key, priority, delay, client))

    return deferred


class Worker:
    """A worker that does nothing by itself: it looks, takes and gives back when told to."""

    def __init__(self, db: Engine, clock: FakeClock, name: str) -> None:
        self.clock = clock
        self.queue = WorkerQueue(db, clock, worker=name, lease=LEASE)

    def due(self, most: int = 10, mine: tuple[int, ...] = ()) -> list[int]:
        return self.queue.find_due(self.clock(), {"job": most}, mine)["job"]

    def take(self, most: int = 10) -> list[Leased]:
        return list(self.queue.exchange([], [], self.due(most)).leased)

    def give_back(self, task: Leased, again: float | None = None, tries: int = 0) -> None:
        self.queue.exchange([Ended(task, again, tries)], [], [])

    def renew(self, *tasks: Leased) -> frozenset[str]:
        return self.queue.exchange([], [task.lease for task in tasks], []).lost

    def next_time(self) -> float:
        return self.queue.next_time(self.clock())


@pytest.fixture
def ann(db: Engine, clock: FakeClock) -> Worker:
    return Worker(db, clock, "ann")


@pytest.fixture
def bob(db: Engine, clock: FakeClock) -> Worker:
    return Worker(db, clock, "bob")


def test_what_one_holds_the_other_does_not_get(
    defer: Callable[..., None], ann: Worker, bob: Worker
) -> None:
    defer("a")
    assert [task.key for task in ann.take()] == ["a"]
    assert bob.take() == []


def test_of_two_who_saw_the_same_task_one_gets_it(
    defer: Callable[..., None], ann: Worker, bob: Worker
) -> None:
    defer("a")
    seen = bob.due()
    assert len(ann.take()) == 1
    assert bob.queue.exchange([], [], seen).leased == ()


def test_a_lease_runs_out_at_its_time_and_not_before(
    defer: Callable[..., None], clock: FakeClock, ann: Worker, bob: Worker
) -> None:
    defer("a")
    ann.take()
    clock.advance(LEASE - 0.001)
    assert bob.take() == []
    clock.advance(0.001)
    assert [task.tries for task in bob.take()] == [2]


def test_a_renewed_lease_runs_on(
    defer: Callable[..., None], clock: FakeClock, ann: Worker, bob: Worker
) -> None:
    defer("a")
    (task,) = ann.take()
    for _ in range(5):
        clock.advance(LEASE - 1)
        assert ann.renew(task) == frozenset()
        assert bob.take() == []


def test_a_lease_that_another_took_over_is_lost(
    defer: Callable[..., None], clock: FakeClock, ann: Worker, bob: Worker
) -> None:
    defer("a")
    (task,) = ann.take()
    clock.advance(LEASE)
    bob.take()
    assert ann.renew(task) == {task.lease}


def test_a_lease_that_ran_out_but_that_nobody_took_can_be_renewed(
    defer: Callable[..., None], clock: FakeClock, ann: Worker, bob: Worker
) -> None:
    defer("a")
    (task,) = ann.take()
    clock.advance(10 * LEASE)
    assert ann.renew(task) == frozenset()
    assert bob.take() == []


def test_what_is_in_hand_is_not_taken_a_second_time_though_its_lease_ran_out(
    defer: Callable[..., None], clock: FakeClock, ann: Worker
) -> None:
    defer("a")
    (task,) = ann.take()
    clock.advance(LEASE)
    assert ann.due(mine=(task.id,)) == []


def test_who_lost_a_task_can_no_longer_end_it(
    defer: Callable[..., None], clock: FakeClock, ann: Worker, bob: Worker
) -> None:
    defer("a")
    (lost,) = ann.take()
    clock.advance(LEASE)
    bob.take()
    ann.give_back(lost)
    ann.give_back(lost, again=0.0)
    clock.advance(LEASE)
    assert [task.key for task in bob.take()] == ["a"]


def test_a_finished_task_is_gone(defer: Callable[..., None], clock: FakeClock, ann: Worker) -> None:
    defer("a")
    ann.give_back(ann.take()[0])
    clock.advance(10 * LEASE)
    assert ann.take() == []
    assert ann.next_time() == INFINITY


def test_a_task_for_later_counts_its_tries_anew_and_a_failed_one_goes_on(
    defer: Callable[..., None], clock: FakeClock, ann: Worker
) -> None:
    defer("a")
    (task,) = ann.take()
    ann.give_back(task, again=1.0, tries=task.tries)
    clock.advance(1)
    (task,) = ann.take()
    assert task.tries == 2
    ann.give_back(task, again=0.0)
    assert ann.take()[0].tries == 1


def test_what_was_asked_for_again_while_in_work_becomes_one_task_with_the_sooner_time(
    defer: Callable[..., None], clock: FakeClock, ann: Worker
) -> None:
    defer("a")
    (task,) = ann.take()
    defer("a", delay=100)
    ann.give_back(task, again=10.0)
    assert ann.next_time() == pytest.approx(clock() + 10)
    clock.advance(10)
    assert [task.key for task in ann.take()] == ["a"]
    clock.advance(200)
    assert [task.key for task in ann.take()] == ["a"]  # the same, its lease having run out


def test_a_subject_in_work_keeps_its_next_task_waiting_even_when_the_lease_ran_out(
    defer: Callable[..., None], clock: FakeClock, ann: Worker, bob: Worker
) -> None:
    defer("a")
    ann.take()
    defer("a")
    assert bob.take() == []
    clock.advance(LEASE)
    (taken_over,) = bob.take()
    assert bob.take() == []
    bob.give_back(taken_over)
    assert [task.key for task in bob.take()] == ["a"]


def test_the_next_time_is_when_a_task_falls_due_or_a_lease_runs_out(
    defer: Callable[..., None], clock: FakeClock, ann: Worker, bob: Worker
) -> None:
    assert ann.next_time() == INFINITY
    defer("late", delay=100)
    assert ann.next_time() == pytest.approx(clock() + 100)
    defer("now")
    bob.take()
    assert ann.next_time() == pytest.approx(clock() + LEASE)
    assert bob.next_time() == pytest.approx(clock() + LEASE)


def test_no_task_falls_between_what_is_due_and_what_is_next(
    defer: Callable[..., None], clock: FakeClock, ann: Worker
) -> None:
    defer("a", delay=10)
    now = clock()
    assert ann.due() == []
    clock.advance(10)
    assert ann.queue.next_time(now) == clock()


def test_the_tasks_of_the_dead_are_free_at_once_and_those_of_the_living_are_not(
    db: Engine, defer: Callable[..., None], clock: FakeClock, ann: Worker, bob: Worker
) -> None:
    defer("a")
    ann.take()
    defer("b")
    bob.take()
    third = Worker(db, clock, "third")
    third.queue.free_the_gone(lambda name: name == "ann")
    assert [task.key for task in third.take()] == ["a"]


def test_clients_take_turns_and_what_is_in_work_counts(
    defer: Callable[..., None], ann: Worker, bob: Worker
) -> None:
    for n in range(4):
        defer(f"a{n}", client="ann")
    defer("b0", client="bob")
    assert [task.key for task in ann.take(most=2)] == ["a0", "b0"]
    defer("b1", client="bob")
    defer("c0", client="cid")
    assert [task.key for task in bob.take(most=9)] == ["c0", "a1", "b1", "a2", "a3"]


def test_of_one_client_the_greater_priority_is_first(
    defer: Callable[..., None], ann: Worker
) -> None:
    for key, priority in (("low", -1), ("mid", 0), ("high", 5)):
        defer(key, priority=priority)
    assert [task.key for task in ann.take(most=2)] == ["high", "mid"]


def test_what_is_not_yet_due_or_of_another_kind_is_nobodys_turn(
    defer: Callable[..., None], clock: FakeClock, ann: Worker
) -> None:
    defer("later", client="ann", priority=9, delay=5.0)
    defer("other", client="bob", kind="another")
    defer("now", client="cid")
    assert [task.key for task in ann.take()] == ["now"]
    clock.advance(5.0)
    assert [task.key for task in ann.take()] == ["later"]


def test_to_find_what_is_due_costs_no_look_at_all_that_waits(db: Engine) -> None:
    values = {"kind": "job", "now": 0.0, "most": 1, "client": "", "priority": 0, "groups": 64}
    plan = db.connect().exec_driver_sql(f"EXPLAIN QUERY PLAN {queries.FIND_DUE.text}", values)
    steps = [str(row[-1]) for row in plan]
    assert not [step for step in steps if "SCAN tasks" in step or "SCAN due" in step]
    assert [step for step in steps if "TEMP B-TREE" in step] == []


def fill(db: Engine, rows: list[tuple[str, str, int, float]]) -> None:
    """Put in tasks of (key, client, priority, due_at), many at once."""
    with db.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tasks (kind, key, client, priority, due_at, tries) "
            "VALUES ('job', ?, ?, ?, ?, 0)",
            rows,
        )


def steps_of(db: Engine, look: Callable[[], object]) -> int:
    """Count in hundreds what SQLite's virtual machine does for a look: no matter of time."""
    count = 0

    def note() -> int:
        nonlocal count
        count += 1
        return 0

    def watch(connection: Any, *_: object) -> None:
        connection.set_progress_handler(note, 100)

    event.listen(db.pool, "checkout", watch)
    look()
    event.remove(db.pool, "checkout", watch)
    return count


@pytest.mark.parametrize("each", [1, 3])
def test_a_look_costs_the_same_however_many_clients_wait(
    db: Engine, clock: FakeClock, ann: Worker, each: int
) -> None:
    def rows(clients: range) -> list[tuple[str, str, int, float]]:
        return [
            (f"{client}/{n}", f"client {client}", n, clock())
            for client in clients
            for n in range(each)
        ]

    fill(db, rows(range(200)))
    few = steps_of(db, lambda: ann.due(most=8))
    fill(db, rows(range(200, 10_000)))
    many = steps_of(db, lambda: ann.due(most=8))
    assert 0 < many < 3 * few


def test_of_many_clients_each_has_its_turn_in_every_round(
    db: Engine, clock: FakeClock, ann: Worker
) -> None:
    clients = AT_ONCE + 7
    fill(db, [("first", "", 0, clock())])
    fill(db, [(f"a{n}", "a flood", n % 50, clock() - 900.0) for n in range(400)])
    fill(db, [(f"{n}", f"client {n}", 0, clock()) for n in range(clients)])
    begun: set[str] = set()
    looks = 0
    while len(begun) < clients + 1:
        taken = ann.take(most=2)
        begun |= {task.key for task in taken if not task.key.startswith("a")}
        for task in taken:
            ann.give_back(task)
        looks += 1
        assert looks <= 2 * clients, f"{clients + 1 - len(begun)} have not had a turn"


def test_what_is_due_is_found_behind_any_number_of_clients_of_whom_nothing_is(
    db: Engine, clock: FakeClock, ann: Worker
) -> None:
    fill(db, [(f"{n}", f"client {n}", 0, clock() + 60) for n in range(3 * AT_ONCE)])
    fill(db, [("now", "the last of all", 0, clock())])
    assert [task.key for task in ann.take()] == ["now"]
    assert ann.take() == []
    clock.advance(60)
    assert len(ann.take(most=9)) == 9


def test_of_as_many_as_one_look_takes_the_longest_waiting_is_first(
    db: Engine, clock: FakeClock, ann: Worker
) -> None:
    fill(db, [(f"{n}", f"client {n:03}", 0, clock() - n) for n in range(AT_ONCE - 1)])
    keys = [task.key for _ in range(AT_ONCE - 1) for task in ann.take(most=1)]
    assert keys == [f"{n}" for n in reversed(range(AT_ONCE - 1))]
