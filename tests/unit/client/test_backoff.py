"""How long troubles are borne, and the delays between tries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import FakeClock

from packmule.client.backoff import FIRST_DELAY, LONGEST_DELAY, Backoff


def backoff(limit: float, clock: FakeClock | None = None, chance: float = 1.0) -> Backoff:
    return Backoff(limit, now=clock or FakeClock(), chance=lambda: chance)


def test_pauses_double_up_to_the_longest() -> None:
    one = backoff(1e9)
    delays = [one.next_delay() for _ in range(9)]
    assert delays == [0.25, 0.5, 1, 2, 4, 8, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]


@pytest.mark.parametrize(("chance", "delay"), [(0.0, FIRST_DELAY / 2), (1.0, FIRST_DELAY)])
def test_chance_takes_up_to_half_of_a_pause(chance: float, delay: float) -> None:
    assert backoff(10.0, chance=chance).next_delay() == delay


def test_what_the_server_asked_for_is_waited_at_least() -> None:
    assert backoff(10.0).next_delay(5.0) == 5.0 + FIRST_DELAY


def test_what_the_server_asked_for_is_not_waited_beyond_the_bound() -> None:
    assert backoff(10.0).next_delay(3600.0) is None


def test_after_something_went_well_it_begins_anew() -> None:
    clock = FakeClock()
    one = backoff(10.0, clock)
    first = one.next_delay()
    one.next_delay()
    clock.advance(100.0)
    assert one.next_delay() is None
    one.reset()
    assert one.next_delay() == first


@given(
    st.floats(0, 1000),
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 1), st.none() | st.floats(0, 100))),
)
def test_no_try_begins_after_the_time_that_is_borne(
    limit: float, retries: list[tuple[float, float, float | None]]
) -> None:
    clock = FakeClock()
    chances = iter([chance for _, chance, _ in retries])
    one = Backoff(limit, now=clock, chance=lambda: next(chances))
    begun = clock()
    for seconds, _, after in retries:
        delay = one.next_delay(after)
        if delay is None:
            return
        assert delay >= (after or 0.0)
        assert delay <= (after or 0.0) + LONGEST_DELAY
        assert clock() + delay - begun <= limit + 1e-3
        clock.advance(delay + seconds)


def test_ever_more_troubles_do_not_overflow() -> None:
    one = backoff(float("inf"))
    assert [one.next_delay() for _ in range(5000)][-1] == LONGEST_DELAY
