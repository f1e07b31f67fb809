"""Turns: fair between jobs and hosts, bounded for each host, patient with one in trouble."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, cast

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.fetch import Fetch
from packmule.outbound.fetch_scheduler import FetchScheduler, jittered
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.transfer import Limits
from packmule.outbound.urls import parse

if TYPE_CHECKING:
    from packmule.outbound.receiver import Receiver

CAUSE = Failure(FailureCode.CONNECT, "the host refuses the connection")


def fetches(host: str, count: int) -> list[Fetch]:
    nobody = cast("Receiver", None)
    return [Fetch(parse(f"https://{host}/{n}"), nobody) for n in range(count)]


def drained(
    scheduler: FetchScheduler, most: int = 1_000, now: float = 0.0
) -> list[tuple[JobQueue, Fetch]]:
    turns: list[tuple[JobQueue, Fetch]] = []
    while len(turns) < most and (turn := scheduler.next(now)) is not None:
        turns.append(turn)
    return turns


def test_jobs_take_turns_however_large_they_are() -> None:
    scheduler = FetchScheduler(per_host=1_000, at_first=1_000, transfers=1_000)
    huge, small = JobQueue(), JobQueue()
    scheduler.add(huge, fetches("a.example", 500))
    scheduler.add(small, fetches("a.example", 5))
    first = [queue for queue, _ in drained(scheduler, 10)]
    assert Counter(map(id, first)) == {id(huge): 5, id(small): 5}


def test_hosts_of_a_job_take_turns() -> None:
    scheduler = FetchScheduler(per_host=1_000, at_first=1_000, transfers=1_000)
    queue = JobQueue()
    scheduler.add(queue, [*fetches("a.example", 500), *fetches("b.example", 5)])
    first = [fetch.asked.host for _, fetch in drained(scheduler, 10)]
    assert Counter(first) == {"a.example": 5, "b.example": 5}


def test_a_host_is_asked_for_so_much_at_once_over_all_jobs() -> None:
    scheduler = FetchScheduler(per_host=3)
    for _ in range(4):
        scheduler.add(JobQueue(), fetches("a.example", 10))
    turns = drained(scheduler)
    assert len(turns) == 3
    host = turns[0][1].host
    assert host is not None
    scheduler.give_back(*turns[0])
    assert len(drained(scheduler)) == 1


def test_a_slow_host_holds_up_no_other() -> None:
    scheduler = FetchScheduler(per_host=2)
    queue = JobQueue()
    scheduler.add(queue, [*fetches("slow.example", 50), *fetches("good.example", 2)])
    assert Counter(f.asked.host for _, f in drained(scheduler)) == {
        "slow.example": 2,
        "good.example": 2,
    }


def test_a_host_is_not_asked_before_its_time() -> None:
    scheduler = FetchScheduler(per_host=2)
    queue = JobQueue()
    items = fetches("a.example", 1)
    scheduler.add(queue, items)
    scheduler.host(items[0].host_key).not_before = 5.0
    assert scheduler.next(4.9) is None
    assert scheduler.next_due() == 5.0
    assert scheduler.next(5.0) is not None


def test_a_hold_that_is_over_asks_for_no_other_look() -> None:
    """While there is no room nobody calls `next`, and a time that has passed must not stay due."""
    scheduler = FetchScheduler(per_host=2)
    items = fetches("a.example", 1)
    scheduler.add(JobQueue(), items)
    scheduler.host(items[0].host_key).not_before = 5.0
    assert scheduler.next(4.0) is None
    scheduler.wake(4.9)
    assert scheduler.next_due() == 5.0
    scheduler.wake(5.0)
    assert scheduler.next_due() == math.inf
    assert scheduler.next(5.0) is not None


def test_a_retry_waits_for_its_time_and_goes_before_the_untried() -> None:
    scheduler = FetchScheduler(per_host=9, at_first=9)
    queue = JobQueue()
    again, *others = fetches("a.example", 3)
    scheduler.add(queue, others)
    scheduler.later(queue, again, 10.0)
    assert scheduler.next_due() == 10.0
    scheduler.wake(9.9)
    assert scheduler.waiting() == 3
    scheduler.wake(10.0)
    assert [fetch for _, fetch in drained(scheduler)] == [again, *others]


def test_a_retry_goes_behind_the_untried_where_its_host_is_in_trouble() -> None:
    scheduler = FetchScheduler(per_host=9, at_first=9)
    queue = JobQueue()
    again, *others = fetches("a.example", 3)
    scheduler.add(queue, others)
    scheduler.host(again.host_key).falter(0.0)
    scheduler.later(queue, again, 10.0)
    scheduler.wake(10.0)
    assert [fetch for _, fetch in drained(scheduler)] == [*others, again]


def test_what_a_removed_job_waits_for_is_forgotten() -> None:
    scheduler = FetchScheduler(per_host=9, at_first=9)
    queue, other = JobQueue(), JobQueue()
    again, *rest = fetches("a.example", 3)
    scheduler.add(queue, rest)
    scheduler.add(other, fetches("b.example", 1))
    scheduler.later(queue, again, 1.0)
    scheduler.remove(queue)
    scheduler.wake(2.0)
    assert [turn[0] for turn in drained(scheduler)] == [other]


def test_who_is_given_up_is_given_up_by_all_that_saw_it_fall_silent() -> None:
    scheduler = FetchScheduler(per_host=9, at_first=9)
    early, late = JobQueue(), JobQueue()
    waiting, retried, elsewhere = (
        *fetches("a.example", 2),
        *fetches("b.example", 1),
    )
    scheduler.add(early, [waiting, elsewhere], now=0.0)
    scheduler.add(late, fetches("a.example", 1), now=9.0)
    scheduler.later(early, retried, 60.0)
    assert set(scheduler.give_up(waiting.host_key, CAUSE, 5.0)) == {waiting, retried}
    assert early.lost == {waiting.host_key: CAUSE}
    assert not late.lost
    assert {id(queue) for queue, _ in drained(scheduler)} == {id(early), id(late)}


def test_giving_up_one_host_keeps_the_retries_of_others_and_of_later_jobs() -> None:
    scheduler = FetchScheduler(per_host=9, at_first=9)
    early, late = JobQueue(), JobQueue()
    given_up, others = fetches("a.example", 2), fetches("b.example", 1)
    scheduler.add(early, [])
    scheduler.add(late, [], now=9.0)
    scheduler.later(early, given_up[0], 60.0)
    scheduler.later(late, given_up[1], 60.0)
    scheduler.later(early, others[0], 61.0)
    assert scheduler.give_up(given_up[0].host_key, CAUSE, 5.0) == [given_up[0]]
    scheduler.wake(61.0)
    assert {id(fetch) for _, fetch in drained(scheduler)} == {id(given_up[1]), id(others[0])}


def _crowd_out(scheduler: FetchScheduler) -> None:
    for n in range(5_000):
        scheduler.host(("https", f"{n}.example", 443))


def test_a_host_that_a_retry_waits_for_is_remembered() -> None:
    scheduler = FetchScheduler(per_host=2)
    (again,) = fetches("a.example", 1)
    host = scheduler.host(again.host_key)
    scheduler.later(JobQueue(), again, 60.0)
    _crowd_out(scheduler)
    assert scheduler.host(again.host_key) is host


def test_a_host_is_remembered_while_it_is_not_to_be_asked() -> None:
    scheduler = FetchScheduler(per_host=2)
    key = ("https", "held.example", 443)
    scheduler.host(key).not_before = 60.0
    scheduler.wake(59.0)
    _crowd_out(scheduler)
    assert scheduler.host(key).not_before == 60.0
    scheduler.wake(60.0)
    for n in range(20_000):
        scheduler.host(("https", f"later-{n}.example", 443))
    assert scheduler.host(key).not_before == 0.0


def test_a_host_on_hold_is_remembered_before_the_first_wake_too() -> None:
    scheduler = FetchScheduler(per_host=2)
    key = ("https", "held.example", 443)
    scheduler.host(key).not_before = 1.0
    _crowd_out(scheduler)
    assert scheduler.host(key).not_before == 1.0


def test_a_host_in_the_books_is_not_forgotten_before_they_are_full() -> None:
    scheduler = FetchScheduler(per_host=2)
    spent = scheduler.host(("https", "spent.example", 443))
    spent.budget = 0
    for n in range(4_095):
        scheduler.host(("https", f"{n}.example", 443))
    assert scheduler.host(("https", "spent.example", 443)) is spent
    scheduler.host(("https", "one-more.example", 443))
    assert scheduler.host(("https", "spent.example", 443)) is not spent


def test_hosts_are_not_remembered_for_ever() -> None:
    scheduler = FetchScheduler(per_host=2, limits=Limits(host_retries=5))
    kept = scheduler.host(("https", "kept.example", 443))
    kept.active = 1
    spent = scheduler.host(("https", "spent.example", 443))
    spent.budget = 0
    for n in range(5_000):
        scheduler.host(("https", f"{n}.example", 443))
    assert scheduler.host(("https", "kept.example", 443)) is kept
    assert scheduler.host(("https", "spent.example", 443)).budget == 5


@pytest.mark.parametrize("delay", [0.5, 60.0])
def test_a_back_off_is_spread_over_its_second_half(delay: float) -> None:
    seen = {jittered(delay) for _ in range(200)}
    assert len(seen) > 100
    assert all(delay / 2 <= each <= delay for each in seen)


def test_a_scheduler_shows_its_state_in_a_line() -> None:
    scheduler = FetchScheduler(per_host=2)
    again, *others = fetches("a.example", 6)
    queue = JobQueue()
    scheduler.add(queue, others)
    scheduler.later(queue, again, 10.0)
    turns = drained(scheduler)
    scheduler.mark(turns[0][1], slow=True)
    assert repr(scheduler) == "<FetchScheduler jobs=1 waiting=4 retries=1 open=2 slow=1 hosts=1>"
