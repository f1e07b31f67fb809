"""The rate: how many requests pass, when the next one may, and how much is remembered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import FakeClock

from packmule.web.rate_limit import MOST_CLIENTS, Rate, RateLimit, parse_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

RATES = st.builds(Rate, st.integers(1, 500), st.sampled_from([1, 60, 3600]))


def passed(limit: RateLimit, client: str, tries: int) -> int:
    return sum(limit.take(client) == 0 for _ in range(tries))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("60/min", Rate(60, 60)),
        ("5/s", Rate(5, 1)),
        ("1000 / H", Rate(1000, 3600)),
        ("off", None),
        ("OFF", None),
    ],
)
def test_a_rate_is_so_many_in_a_time_or_off(text: str, rate: Rate | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "60", "0/min", "-1/s", "60/d", "60/ 5min", "1.5/s", "/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid rate"):
        parse_rate(text)


@given(RATES)
def test_a_quiet_client_may_send_the_whole_count_at_once_and_no_more(rate: Rate) -> None:
    clock = FakeClock()
    limit = RateLimit(rate, clock)
    assert passed(limit, "ann", rate.count + 5) == rate.count
    clock.advance(rate.seconds)
    assert passed(limit, "ann", rate.count + 5) == rate.count


def test_it_shows_how_many_clients_are_remembered() -> None:
    limit = RateLimit(Rate(5, 1), FakeClock(), most_clients=10)
    limit.take("ann")
    assert repr(limit) == "<RateLimit: 1 of 10 clients>"


@given(RATES, st.lists(st.floats(0, 4000), max_size=40))
def test_whoever_waits_as_long_as_it_is_told_gets_in(rate: Rate, pauses: list[float]) -> None:
    clock = FakeClock()
    limit = RateLimit(rate, clock)
    for pause in pauses:
        clock.advance(pause)
        passed(limit, "ann", rate.count)
        wait = limit.take("ann")
        assert wait > 0
        clock.advance(math.ceil(wait))
        assert limit.take("ann") == 0


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_in_no_minute_pass_more_than_twice_the_count(pauses: list[float]) -> None:
    clock = FakeClock()
    limit = RateLimit(Rate(20, 60), clock)
    moments: list[float] = []
    for pause in pauses:
        clock.advance(pause)
        moments += [clock()] * passed(limit, "ann", 3)
    assert all(sum(at <= other < at + 60 for other in moments) <= 40 for at in moments)


def test_a_refused_request_costs_nothing() -> None:
    clock = FakeClock()
    limit = RateLimit(Rate(1, 60), clock)
    assert limit.take("ann") == 0
    assert [limit.take("ann") for _ in range(100)] == [60.0] * 100
    clock.advance(60)
    assert limit.take("ann") == 0


def test_clients_do_not_count_for_each_other() -> None:
    limit = RateLimit(Rate(2, 60), FakeClock())
    assert passed(limit, "ann", 10) == passed(limit, "bob", 10) == 2


def test_whoever_has_been_quiet_is_forgotten() -> None:
    clock = FakeClock()
    limit = RateLimit(Rate(60, 60), clock)
    for number in range(10_000):
        limit.take(f"address:{number}")
    assert len(limit) == 10_000
    clock.advance(60)
    limit.take("ann")
    assert len(limit) == 1


def names() -> Iterator[str]:
    yield from (f"address:2001:db8:{number:x}::/64" for number in range(3 * MOST_CLIENTS))


def test_however_many_addresses_come_memory_is_bounded() -> None:
    limit = RateLimit(Rate(60, 60), FakeClock())
    for name in names():
        assert limit.take(name) == 0
        assert len(limit) <= MOST_CLIENTS
    assert len(limit) == MOST_CLIENTS


def test_a_full_table_forgets_whoever_was_let_in_longest_ago() -> None:
    limit = RateLimit(Rate(2, 60), FakeClock(), most_clients=2)
    passed(limit, "ann", 1)
    passed(limit, "bob", 2)
    passed(limit, "ann", 1)
    limit.take("cyd")
    assert limit.take("ann") > 0
    assert limit.take("bob") == 0


def test_a_network_has_sixteen_times_the_rate_and_its_clients_their_own() -> None:
    clock = FakeClock()
    limit = RateLimit(Rate(2, 60), clock)
    assert [limit.take("ann", "site") for _ in range(2)] == [0, 0]
    assert limit.take("ann", "site") == 30
    assert [limit.take(f"{number}", "site") for number in range(30)] == [0] * 30
    assert limit.take("bob", "site") == 60 / 32
    # What was refused counted nowhere.
    assert limit.take("bob") == 0
    assert limit.take("cyd", "elsewhere") == 0
