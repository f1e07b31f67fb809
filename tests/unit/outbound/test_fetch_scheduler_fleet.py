"""Turns where other workers fetch from the same hosts."""

from __future__ import annotations

from tests.unit.outbound.test_fetch_scheduler import drained, fetches

from packmule.outbound.fetch_scheduler import FetchScheduler
from packmule.outbound.host_sharing import ALONE, FleetClaims, HostUse
from packmule.outbound.job_queue import JobQueue

A = "https://a.example:443"
PAIR = FleetClaims("me", ("other",))


def scheduler(files: int = 10, fleet: FleetClaims = PAIR) -> tuple[FetchScheduler, JobQueue]:
    """Give a scheduler that knows the fleet before it knows the host, and its job."""
    made, queue = FetchScheduler(per_host=4), JobQueue()
    made.share_hosts(fleet, {}, 0.0)
    made.add(queue, fetches("a.example", files))
    return made, queue


def test_a_host_is_begun_with_a_part_of_its_limit_and_then_asked_as_agreed() -> None:
    turns, _ = scheduler()
    assert len(drained(turns)) == 2
    turns.share_hosts(PAIR, {A: 3}, 0.0)
    assert len(drained(turns)) == 1
    turns.share_hosts(PAIR, {A: 1}, 0.0)
    assert not drained(turns)


def test_alone_again_a_worker_keeps_only_its_own_limit() -> None:
    turns, _ = scheduler()
    drained(turns)
    turns.share_hosts(PAIR, {A: 0}, 0.0)
    turns.share_hosts(ALONE, {}, 0.0)
    assert len(drained(turns)) == 2


def test_others_are_told_of_open_transfers_and_of_hosts_that_may_not_be_begun() -> None:
    turns, queue = scheduler()
    turns.add(queue, fetches("b.example", 1))
    assert turns.host_uses(0.0) == {}
    opened = drained(turns)
    uses = turns.host_uses(0.0)
    assert uses[A] == HostUse(limit=4, allowed=2, active=2)
    for held_by, fetch in opened:
        turns.give_back(held_by, fetch)
    assert turns.host_uses(0.0) == {}
    turns.share_hosts(PAIR, {A: 0}, 0.0)
    assert turns.host_uses(0.0) == {A: HostUse(limit=4, allowed=0, active=0)}


def test_a_pause_is_told_and_heeded_by_others_for_known_hosts_and_new_ones() -> None:
    one, _ = scheduler()
    [(queue, fetch), *_] = drained(one)
    one.give_back(queue, fetch)
    one.host(fetch.host_key).pause(0.0, 10.0, 60.0)
    assert one.host_uses(10.0)[A].paused_for == 60.0
    paused = FleetClaims("you", ("me",), {}, {A: 60.0})
    knows, _ = scheduler()
    for queue, fetch in drained(knows):
        knows.give_back(queue, fetch)
    new, _ = scheduler()
    for other in (knows, new):
        other.share_hosts(paused, {}, 100.0)
        assert not drained(other, now=159.0)
        assert other.next_due() == 160.0
        assert other.host_uses(101.0) == {}  # what was heard is not told on
        assert len(drained(other, now=160.0)) == 1


def test_a_pause_of_ones_own_is_never_shortened() -> None:
    turns, _ = scheduler()
    drained(turns)
    turns.share_hosts(FleetClaims("me", pauses={A: 60.0}), {}, 0.0)
    turns.share_hosts(FleetClaims("me", pauses={A: 5.0}), {}, 0.0)
    assert not drained(turns, now=59.0)
    assert turns.next_due() == 60.0
