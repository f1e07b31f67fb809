"""How many transfers at once: as many as pay, and never many more than the host bears."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.outbound.simulated_host import Host, Run

from packmule.outbound.concurrency import Concurrency, Phase

MOST, AT_FIRST = 64, 8
SETTLED, WATCHED = 6.0, 6.0
ALL = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64)


def rate(run: Run, seconds: float) -> float:
    """Let time pass; return how many bytes and files, weighed, came a second."""
    before = run.work
    run.go_on(seconds)
    return (run.work - before) / seconds


def of_constant(host: Host, at_once: int) -> float:
    """Return what a worker gets that always has so many transfers open."""
    run = Run(host, Concurrency(at_once, at_once))
    run.go_on(2.0)
    return rate(run, 4.0)


def settled(host: Host) -> Run:
    run = Run(host, Concurrency(AT_FIRST, MOST))
    run.go_on(SETTLED)
    return run


def candidates(host: Host) -> set[int]:
    """Return the numbers at once that may be best, to within a few per cent."""
    knee = host.in_all * (host.latency / host.size + 1 / host.per_connection)
    near = {math.ceil(knee * part) for part in (1.0, 1.25, 1.5) if knee < MOST}
    return {min(MOST, int(min(host.bears, each))) for each in near | {MOST}}


def assert_best(host: Host) -> None:
    run = settled(host)
    got = rate(run, WATCHED)
    best = max(of_constant(host, at_once) for at_once in candidates(host))
    assert got >= 0.9 * best
    assert run.most <= max(AT_FIRST, 2 * min(host.bears, MOST))


# Not made small: each example plays many seconds, and is plain enough.
few = settings(
    max_examples=max(5, settings().max_examples // 4),
    phases=[HypothesisPhase.explicit, HypothesisPhase.reuse, HypothesisPhase.generate],
)
latency = st.floats(0.02, 0.2)
small, big = st.integers(10_000, 200_000), st.integers(4_000_000, 64_000_000)


@few
@given(latency=latency, size=small)
def test_where_only_latency_counts_it_goes_to_the_most(latency: float, size: int) -> None:
    assert_best(Host(latency, size))


@few
@given(latency=latency, size=big, rate=st.floats(1e6, 2e7), at_once=st.integers(4, 40))
def test_connections_of_a_fixed_rate_are_added_until_the_link_is_full(
    latency: float, size: int, rate: float, at_once: int
) -> None:
    assert_best(Host(latency, size, rate, rate * at_once))


@few
@given(latency=latency, size=small, rate=st.floats(1e7, 1e8))
def test_small_files_over_a_shared_link(latency: float, size: int, rate: float) -> None:
    assert_best(Host(latency, size, in_all=rate))


@few
@given(latency=latency, size=small, bears=st.integers(1, 60), is_reset=st.booleans())
def test_a_host_that_refuses_too_many_is_held_at_what_it_bears(
    latency: float, size: int, bears: int, *, is_reset: bool
) -> None:
    # A reset comes at once, a 503 after as long as any answer.
    assert_best(Host(latency, size, 1e7, bears=bears, refuses_after=0.5 if is_reset else 1.0))


@few
@given(latency=latency, serves=st.integers(4, 30))
def test_a_host_that_lets_others_wait_is_not_asked_for_many_more_than_it_serves(
    latency: float, serves: int
) -> None:
    host = Host(latency, 100_000, 1e6, serves=serves)
    run = settled(host)
    got = rate(run, WATCHED)
    assert got >= 0.9 * max(of_constant(host, each) for each in ALL)
    assert run.limits[-1] <= max(AT_FIRST, 3 * serves * (1 + latency / 0.1))


def test_it_does_not_oscillate() -> None:
    run = settled(Host(0.05, 16_000_000, 1e7, 1.5e8))
    run.go_on(30.0)
    later = run.limits[-2000:]
    assert max(later) <= 1.5 * min(later)
    changes = sum(one != other for one, other in pairwise(later))
    assert changes <= 12


def test_a_refusal_that_is_not_about_the_number_holds_nobody() -> None:
    limit = Concurrency(32, 32)
    for turn in range(100):
        limit.answered(32)
        if turn % 20 == 0:
            limit.refused(32, float(turn), float(turn))
            limit.answered(32)
    assert limit.bound == 32


def test_a_host_that_refuses_everything_for_a_while_is_not_held_afterwards() -> None:
    limit, now = Concurrency(8, 32), 1.0
    for rank in range(1, 9):
        limit.answered(rank)
    while limit.limit > 1:
        for rank in range(1, int(limit.limit) + 1):
            limit.refused(rank, now - 0.1, now)
        now += 1.0
    limit.refused(1, now - 0.1, now)
    for _ in range(100):
        limit.answered(int(limit.limit))
    assert (limit.bound, limit.limit) == (32, 8.0)


def test_what_a_host_was_held_at_is_tried_again_later_and_later() -> None:
    host = Host(0.05, 50_000, 1e7, bears=6)
    run = settled(host)
    refusals = [run.refusals]
    for _ in range(3):
        run.go_on(35.0)
        refusals.append(run.refusals)
    assert run.limit.bound == 6
    assert refusals[1] > refusals[0]
    assert refusals[3] - refusals[1] <= refusals[1] - refusals[0] + 3


def test_tries_that_were_under_way_are_one_fault() -> None:
    limit = Concurrency(32, 32)
    for _ in range(5):
        limit.falter(began=1.0, now=2.0)
    assert limit.limit == 16.0
    limit.falter(began=2.0, now=3.0)
    assert limit.limit == 8.0


def test_after_a_fault_it_comes_back_to_where_it_was_and_no_further() -> None:
    limit = Concurrency(16, 64)
    limit.falter(1.0, 2.0)
    for _ in range(1_000):
        limit.answered(int(limit.limit))
    assert limit.limit == 16.0
    assert not limit.measure(3.0, 0.0, 16)
    assert limit.phase is Phase.HOLD


def test_a_limit_that_is_not_reached_is_not_raised() -> None:
    limit = Concurrency(8, 64)
    for step in range(100):
        limit.answered(8)
        assert not limit.measure(step / 10, 1e6 * step, active=7)
    assert limit.limit == 8.0


def test_a_pause_leaves_one_and_the_way_back_is_quick_at_first() -> None:
    limit = Concurrency(32, 32)
    limit.start_over(1.0)
    assert limit.limit == 1.0
    for _ in range(15):
        limit.answered(int(limit.limit))
    assert limit.limit == 16.0
    limit.answered(16)
    assert limit.limit == pytest.approx(16 + 1 / 16)


def test_it_shows_its_state_in_a_line() -> None:
    limit = Concurrency(8, 64)
    assert repr(limit) == "<Concurrency ramp limit=8/64>"
    run = settled(Host(0.05, 50_000, 1e7, bears=6))
    assert repr(run.limit) == "<Concurrency hold limit=6/64 bound=6>"
