"""Shares of the transfers: even between clients, weighed between jobs, and nobody is starved.

The transfers are played: each takes its time, and whatever ends makes room for the next.
"""

from __future__ import annotations

import heapq
from collections import Counter
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.outbound.fetch import Fetch
from packmule.outbound.fetch_scheduler import FetchScheduler
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.transfer_shares import SLOW_TIMES
from packmule.outbound.urls import parse

if TYPE_CHECKING:
    from packmule.outbound.receiver import Receiver

NOBODY = cast("Receiver", None)
FOR_EVER = 10.0**9
link = cache(parse)


class Play:
    """A scheduler whose transfers take as long as their job's say."""

    def __init__(self, transfers: int = 32, per_host: int = 1_000) -> None:
        self.scheduler = FetchScheduler(per_host=per_host, at_first=per_host, transfers=transfers)
        self.now = 0.0
        self.open: Counter[JobQueue] = Counter()
        self.at: Counter[str] = Counter()
        self.held: Counter[JobQueue] = Counter()
        self.ended_at: dict[JobQueue, float] = {}
        self._seconds: dict[JobQueue, float] = {}
        self._left: Counter[JobQueue] = Counter()
        self._ends: list[tuple[float, int, JobQueue, Fetch]] = []
        self._count = count()

    def post(
        self, client: str, files: int, *, seconds: float = 1.0, priority: int = 0, hosts: int = 1
    ) -> JobQueue:
        """Add a job whose transfers take `seconds` each."""
        queue = JobQueue(client=client, priority=priority)
        urls = [f"https://{n % hosts}.{client or 'a'}.example/{n}" for n in range(files)]
        self._seconds[queue] = seconds
        self._left[queue] = files
        self.scheduler.add(queue, [Fetch(link(url), NOBODY) for url in urls], self.now)
        self.begin()
        return queue

    def begin(self) -> None:
        """Begin all that may begin now."""
        while (turn := self.scheduler.next(self.now)) is not None:
            queue, fetch = turn
            self.open[queue] += 1
            self.at[fetch.asked.host] += 1
            end = self.now + self._seconds[queue]
            heapq.heappush(self._ends, (end, next(self._count), queue, fetch))

    def end_next(self) -> None:
        """Let time pass until a transfer ends."""
        end, _, queue, fetch = heapq.heappop(self._ends)
        for each, transfers in self.open.items():
            self.held[each] += int(1000 * transfers * (end - self.now))
        self.now = end
        self.open[queue] -= 1
        self.at[fetch.asked.host] -= 1
        self._left[queue] -= 1
        self.scheduler.give_back(queue, fetch)
        if not self._left[queue]:
            self.scheduler.remove(queue)
            self.ended_at[queue] = self.now
        self.begin()

    def until(self, *queues: JobQueue) -> None:
        """Let time pass until these jobs have ended."""
        while not all(queue in self.ended_at for queue in queues):
            self.end_next()


@pytest.mark.parametrize("seconds", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("jobs", [1, 8, 16])
def test_a_client_with_one_job_has_as_much_as_one_with_many(jobs: int, seconds: float) -> None:
    play = Play(transfers=32)
    many = [play.post("ann", 600, seconds=seconds) for _ in range(jobs)]
    one = play.post("bob", 600)
    for _ in range(200):
        play.end_next()
    # One for each job is beyond the 32.
    assert play.open.total() == 32 + jobs
    assert abs(sum(play.open[queue] for queue in many) - play.open[one]) <= 1


def test_a_client_of_fifty_jobs_takes_from_another_nothing_of_his_half() -> None:
    play = Play(transfers=32)
    many = [play.post("ann", 100) for _ in range(50)]
    one = play.post("bob", 600)
    for _ in range(200):
        play.end_next()
    assert play.open[one] >= 16
    assert {play.open[queue] for queue in many} == {1}


def test_two_clients_hold_half_each_however_long_their_transfers_take() -> None:
    play = Play(transfers=32)
    long, short = play.post("ann", 1_000, seconds=7.0), play.post("bob", 9_000, seconds=0.1)
    for _ in range(3_000):
        play.end_next()
    play.held.clear()
    for _ in range(3_000):
        play.end_next()
    assert play.held[long] == pytest.approx(play.held[short], rel=0.07)


def test_a_client_that_is_alone_has_all() -> None:
    play = Play(transfers=32)
    only = play.post("ann", 100)
    assert play.open[only] == 32


@pytest.mark.parametrize("client", ["ann", "bob"])
def test_small_jobs_behind_a_huge_one_end_before_it(client: str) -> None:
    play = Play(transfers=32)
    huge = play.post("ann", 10_000)
    small = [play.post(client, 1) for _ in range(100)]
    play.until(*small)
    assert play.now <= 2.0  # as long as one of their files takes, and one round more
    assert huge not in play.ended_at


def test_a_job_has_one_transfer_though_others_hold_all_of_them_for_ever() -> None:
    play = Play(transfers=4)
    for _ in range(3):
        play.post("ann", 100, seconds=FOR_EVER)
    late = play.post("ann", 10)
    assert play.open[late] == 1
    play.until(late)
    assert play.now == 10.0


@pytest.mark.parametrize(
    ("priorities", "shares"),
    [((0, 0), (16, 16)), ((1, 0), (22, 11)), ((3, 0), (26, 7)), ((0, -1), (22, 11))],
)
def test_a_greater_priority_is_a_greater_share(
    priorities: tuple[int, int], shares: tuple[int, int]
) -> None:
    play = Play(transfers=32)
    queues = [play.post("ann", 3_000, priority=priority) for priority in priorities]
    for _ in range(2_000):
        play.end_next()
    assert [play.open[queue] for queue in queues] == pytest.approx(list(shares), abs=1)


def test_a_priority_takes_nothing_from_another_client() -> None:
    play = Play(transfers=32)
    urgent, other = play.post("ann", 3_000, priority=100), play.post("bob", 3_000)
    for _ in range(2_000):
        play.end_next()
    assert (play.open[urgent], play.open[other]) in {(16, 17), (17, 16)}


def test_what_one_cannot_use_is_for_the_others() -> None:
    play = Play(transfers=32, per_host=8)
    narrow, wide = play.post("ann", 1_000), play.post("bob", 1_000, hosts=10)
    assert (play.open[narrow], play.open[wide]) == (8, 25)


def test_slow_transfers_do_not_count_up_to_a_bound() -> None:
    scheduler = FetchScheduler(per_host=1_000, at_first=1_000, transfers=2)
    queue = JobQueue()
    scheduler.add(queue, [Fetch(parse(f"https://a.example/{n}"), NOBODY) for n in range(100)])
    begun = []
    while (turn := scheduler.next(0.0)) is not None:
        begun.append(turn)
        scheduler.mark(turn[1], slow=True)
    assert len(begun) == 2 * (1 + SLOW_TIMES)
    for turn in begun[:3]:
        scheduler.give_back(*turn)
    assert [scheduler.next(0.0) is not None for _ in range(4)] == [True, True, False, False]


def test_a_slow_transfer_that_quickens_counts_again() -> None:
    scheduler = FetchScheduler(per_host=1_000, at_first=1_000, transfers=1)
    scheduler.add(JobQueue(), [Fetch(parse(f"https://a.example/{n}"), NOBODY) for n in range(9)])
    first = scheduler.next(0.0)
    assert first is not None
    scheduler.mark(first[1], slow=True)
    second = scheduler.next(0.0)
    assert second is not None
    scheduler.mark(first[1], slow=False)
    scheduler.give_back(*second)
    assert scheduler.next(0.0) is None


JOBS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cid"]),
        st.integers(1, 30),  # files
        st.sampled_from([0.1, 1.0, 5.0]),  # seconds
        st.integers(-3, 3),  # priority
        st.integers(1, 4),  # hosts
        st.integers(0, 20),  # transfers that end before the next job comes
    ),
    min_size=1,
    max_size=12,
)


@given(JOBS, st.integers(1, 8), st.integers(1, 6))
def test_no_bound_is_exceeded_nothing_idles_and_every_job_ends(
    jobs: list[tuple[str, int, float, int, int, int]], transfers: int, per_host: int
) -> None:
    play = Play(transfers, per_host)
    posted: list[JobQueue] = []

    def check() -> None:
        assert max(play.at.values()) <= per_host
        beyond = sum(max(0, held - 1) for held in play.open.values())
        assert beyond < transfers
        working = [queue for queue in posted if queue not in play.ended_at]
        if play.open.total() < transfers:
            # Whatever still waits, waits for its host.
            for queue in working:
                assert all(play.at[host] >= per_host for _, host, _ in queue.hosts)

    for client, files, seconds, priority, hosts, ends in jobs:
        queue = play.post(client, files, seconds=seconds, priority=priority, hosts=hosts)
        posted.append(queue)
        for _ in range(ends):
            if play.open.total():
                play.end_next()
                check()
    while play.open.total():
        play.end_next()
        check()
    assert set(play.ended_at) == set(posted)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_shares_of_clients_converge_whatever_their_number_of_jobs(jobs: list[int]) -> None:
    transfers = 24
    play = Play(transfers)
    queues = {
        f"client-{n}": [play.post(f"client-{n}", 300) for _ in range(many)]
        for n, many in enumerate(jobs)
    }
    for _ in range(3 * transfers):
        play.end_next()
    held = {client: sum(play.open[queue] for queue in own) for client, own in queues.items()}
    assert min(held.values()) >= transfers // len(jobs)
    # Who has more than another has one for each job, and no more.
    for client, own in queues.items():
        assert held[client] <= max(min(held.values()) + 1, len(own))
