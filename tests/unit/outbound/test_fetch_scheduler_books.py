"""What a scheduler keeps in its books: retries, holds, removed jobs, hosts and what is open."""

from __future__ import annotations

import math

import pytest
from tests.unit.outbound.test_fetch_scheduler import CAUSE, drained, fetches

from packmule.outbound.fetch import Fetch
from packmule.outbound.fetch_scheduler import FetchScheduler
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.urls import parse


def test_a_scheduler_opens_128_transfers_and_more_once_they_bring_more() -> None:
    scheduler = FetchScheduler(per_host=1_000, at_first=1_000)
    queue = JobQueue()
    scheduler.add(queue, fetches("a.example", 500))
    opened = drained(scheduler)
    assert len(opened) == 128
    assert queue.joined_at == 0.0
    _, item = opened[0]
    assert not scheduler.measure(0.0)
    scheduler.host(item.host_key).came += 10_000_000
    assert scheduler.measure(1.0)
    assert len(drained(scheduler)) == 128


def test_a_host_that_is_slow_gets_no_more_of_a_jobs_transfers_than_the_others() -> None:
    scheduler = FetchScheduler(per_host=100, at_first=100, transfers=20)
    queue = JobQueue()
    scheduler.add(queue, [*fetches("slow.example", 100), *fetches("quick.example", 100)])
    opened = drained(scheduler)

    def next_round() -> int:
        """End what quick.example has, and fill the room; return how many the slow host has."""
        for each in [each for each in opened if each[1].host_key[1] == "quick.example"]:
            scheduler.give_back(*each)
            opened.remove(each)
        opened.extend(drained(scheduler))
        return sum(item.host_key[1] == "slow.example" for _, item in opened)

    assert [next_round() for _ in range(9)] == [10] * 9
    assert next_round() == 20  # nobody else wants the room


def test_each_look_finds_out_anew_when_a_host_may_be_asked() -> None:
    scheduler = FetchScheduler(per_host=2)
    (item,) = fetches("a.example", 1)
    scheduler.add(JobQueue(), [item])
    scheduler.host(item.host_key).not_before = 5.0
    assert scheduler.next(4.0) is None
    scheduler.host(item.host_key).not_before = 9.0
    assert scheduler.next(4.5) is None
    assert scheduler.next_due() == 9.0


def test_a_host_that_is_full_is_not_looked_at_again_by_the_clock() -> None:
    scheduler = FetchScheduler(per_host=1)
    items = fetches("a.example", 2)
    scheduler.add(JobQueue(), items)
    assert scheduler.next(5.0) is not None
    scheduler.host(items[0].host_key).not_before = 5.0
    assert scheduler.next(5.0) is None
    assert scheduler.next_due() == math.inf


def test_the_last_fetch_of_a_host_may_come_back() -> None:
    scheduler = FetchScheduler(per_host=2)
    queue = JobQueue()
    scheduler.add(queue, fetches("a.example", 1))
    ((_, item),) = drained(scheduler)
    scheduler.give_back(queue, item)
    scheduler.later(queue, item, 1.0)
    scheduler.wake(1.0)
    assert drained(scheduler) == [(queue, item)]


def test_what_is_given_back_twice_counts_once() -> None:
    scheduler = FetchScheduler(per_host=2)
    scheduler.add(JobQueue(), fetches("a.example", 2))
    first, second = drained(scheduler)
    host = second[1].host
    assert host is not None
    for _ in range(2):
        scheduler.give_back(*first)
    assert host.active == 1
    assert " open=1 " in repr(scheduler)


def test_a_removed_job_waits_for_nothing() -> None:
    scheduler = FetchScheduler(per_host=1)
    queue = JobQueue()
    scheduler.add(queue, fetches("a.example", 3))
    scheduler.remove(queue)
    assert queue.removed
    assert not queue.hosts
    assert repr(scheduler) == "<FetchScheduler jobs=0 waiting=0 retries=0 open=0 slow=0 hosts=0>"


def test_retries_are_woken_one_after_another() -> None:
    scheduler = FetchScheduler(per_host=9, at_first=9)
    queue = JobQueue()
    first, second = fetches("a.example", 2)
    scheduler.add(queue, [])
    scheduler.later(queue, second, 20.0)
    scheduler.later(queue, first, 10.0)
    scheduler.wake(9.9)
    assert scheduler.next_due() == 10.0
    assert drained(scheduler) == []
    scheduler.wake(10.0)
    assert drained(scheduler) == [(queue, first)]
    assert scheduler.next_due() == 20.0


def test_giving_up_a_host_leaves_the_other_retries_in_order() -> None:
    scheduler = FetchScheduler(per_host=9)
    queue = JobQueue()
    scheduler.add(queue, [], now=5.0)
    gone, others = fetches("a.example", 2), fetches("b.example", 2)
    for item, at in zip((*gone, *others), (11.0, 12.0, 20.0, 13.0), strict=True):
        scheduler.later(queue, item, at)
    assert scheduler.give_up(gone[0].host_key, CAUSE, 5.0) == gone
    assert scheduler.next_due() == 13.0


def test_giving_up_a_host_drops_the_retries_of_removed_jobs() -> None:
    scheduler = FetchScheduler(per_host=9)
    queue = JobQueue()
    (item,) = fetches("a.example", 1)
    scheduler.add(queue, [])
    scheduler.later(queue, item, 10.0)
    scheduler.remove(queue)
    assert scheduler.give_up(item.host_key, CAUSE, 5.0) == []
    assert scheduler.waiting() == 0


def test_everything_that_waits_can_be_taken_at_once() -> None:
    scheduler = FetchScheduler(per_host=9)
    queue, removed = JobQueue(), JobQueue()
    waiting, again = fetches("a.example", 2), fetches("b.example", 2)
    scheduler.add(queue, waiting)
    scheduler.add(removed, fetches("c.example", 1))
    scheduler.later(queue, again[0], 10.0)
    scheduler.later(removed, again[1], 10.0)
    scheduler.remove(removed)
    assert scheduler.take_all() == [again[0], *waiting]
    assert scheduler.waiting() == 0
    assert scheduler.take_all() == []


@pytest.mark.parametrize(
    ("scheme", "count", "http2"), [("https", 17, True), ("https", 16, False), ("http", 17, False)]
)
def test_many_files_of_a_host_are_asked_for_by_http2_over_tls(
    scheme: str, count: int, *, http2: bool
) -> None:
    scheduler = FetchScheduler(per_host=1)
    queue = JobQueue()
    receiver = fetches("a.example", 1)[0].receiver
    items = [Fetch(parse(f"{scheme}://a.example/{n}"), receiver) for n in range(count)]
    scheduler.add(queue, items)
    ((_, item),) = drained(scheduler)
    assert scheduler.prefers_http2(queue, item) is http2
    scheduler.give_back(queue, item)
    assert scheduler.prefers_http2(queue, item) is False


def test_the_books_may_grow_to_twice_the_hosts_that_are_needed() -> None:
    scheduler = FetchScheduler(per_host=2)
    for n in range(4_096):
        scheduler.host(("https", f"held-{n}.example", 443)).not_before = 60.0
    key = ("https", "spent.example", 443)
    spent = scheduler.host(key)
    for n in range(4_095):
        scheduler.host(("https", f"{n}.example", 443))
    assert scheduler.host(key) is spent
    scheduler.host(("https", "one-more.example", 443))
    assert scheduler.host(key) is not spent


def hosts_asked(open_at: dict[str, int], waiting: str, *, full: str = "") -> list[str]:
    """Return which hosts get the next transfers of a job, in order, where so many are open."""
    scheduler = FetchScheduler(per_host=100, at_first=100)
    queue = JobQueue()
    scheduler.add(queue, [])
    for name, count in open_at.items():
        for item in fetches(f"{name}.example", count):
            scheduler.begin_segment(queue, item)
    for name in full:
        scheduler.host(("https", f"{name}.example", 443)).allowed = 0
    for name in waiting:
        queue.push(*fetches(f"{name}.example", 1))
    return [item.host_key[1][0] for _, item in drained(scheduler)]


@pytest.mark.parametrize(
    ("open_at", "waiting", "full", "asked"),
    [
        ({"a": 1, "b": 2}, "ac", "", "ac"),  # it has no more than the others on average
        ({"a": 2, "b": 1}, "ab", "", "ba"),  # it has more, and another can take it
        ({"a": 2, "b": 1}, "ac", "", "ca"),
        ({"a": 2, "b": 1}, "a", "", "a"),  # it has more, and no other can
        ({"a": 2, "b": 1}, "ab", "b", "a"),
        ({"a": 3, "b": 3, "c": 0}, "ab", "", "ab"),  # of two that have more, the first
        ({"a": 3, "b": 4, "c": 1}, "ba", "", "ba"),
        ({}, "ab", "a", "b"),
    ],
)
def test_hosts_that_have_fewer_of_a_jobs_transfers_go_first(
    open_at: dict[str, int], waiting: str, full: str, asked: str
) -> None:
    assert "".join(hosts_asked(open_at, waiting, full=full)) == asked


def test_what_hosts_bring_raises_the_limit_of_all_hosts_together() -> None:
    """Only what has come since the last look counts, from the host as well as for all."""
    scheduler = FetchScheduler(per_host=1_000, at_first=1_000, transfers=1_000)
    assert len(drained_of(scheduler, 1_100)) == 500
    assert not scheduler.measure(0.0)
    host = scheduler.host(("https", "a.example", 443))
    host.came += 50_000_000
    assert scheduler.measure(1.0)
    assert len(drained(scheduler)) == 500
    assert not scheduler.measure(2.0)


def drained_of(scheduler: FetchScheduler, files: int) -> list[tuple[JobQueue, Fetch]]:
    scheduler.add(JobQueue(), fetches("a.example", files))
    return drained(scheduler, most=2_000)


@pytest.mark.parametrize(("transfers", "begun"), [(100, 100), (200, 128), (300, 150)])
def test_half_of_the_transfers_and_128_at_least_are_opened_at_first(
    transfers: int, begun: int
) -> None:
    scheduler = FetchScheduler(per_host=1_000, at_first=1_000, transfers=transfers)
    assert len(drained_of(scheduler, 400)) == begun


def test_a_scheduler_opens_256_transfers_at_most_unless_told_otherwise() -> None:
    scheduler = FetchScheduler(per_host=1_000, at_first=1_000)
    drained_of(scheduler, 1_000)
    scheduler.measure(0.0)
    for now in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0):
        scheduler.host(("https", "a.example", 443)).came += int(1e9 * now * now)
        scheduler.measure(now)
        drained(scheduler)
    assert " open=256 " in repr(scheduler)


def test_the_limit_of_one_host_that_rises_is_room_for_more() -> None:
    scheduler = FetchScheduler(per_host=64, at_first=8)
    assert len(drained_of(scheduler, 100)) == 8
    host = scheduler.host(("https", "a.example", 443))
    host.respond(8, 100, 0.1)
    scheduler.measure(0.0)
    host.came += 1_000_000
    assert scheduler.measure(1.0)
    assert len(drained(scheduler)) == 8


def test_of_very_many_hosts_500_are_told_and_those_in_use_first() -> None:
    scheduler = FetchScheduler(per_host=4)
    for n in range(600):
        scheduler.host(("https", f"{n}.example", 443)).paused_until = 60.0
    scheduler.add(JobQueue(), fetches("z.example", 1))
    drained(scheduler)
    uses = scheduler.host_uses(0.0)
    assert len(uses) == 500
    assert next(iter(uses)) == "https://z.example:443"
