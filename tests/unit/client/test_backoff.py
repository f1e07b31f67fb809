"""How long troubles are borne, and the pauses between tries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import FakeClock

from packmule.client.backoff import FIRST_PAUSE, LONGEST_PAUSE, Patience


def patience(bears: float, clock: FakeClock | None = None, chance: float = 1.0) -> Patience:
    return Patience(bears, now=clock or FakeClock(), chance=lambda: chance)


def test_pauses_double_up_to_the_longest() -> None:
    one = patience(1e9)
    pauses = [one.pause() for _ in range(9)]
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


@pytest.mark.parametrize(("chance", "pause"), [(0.0, FIRST_PAUSE / 2), (1.0, FIRST_PAUSE)])
def test_chance_takes_up_to_half_of_a_pause(chance: float, pause: float) -> None:
    assert patience(10.0, chance=chance).pause() == pause


def test_what_the_server_asked_for_is_waited_at_least() -> None:
    assert patience(10.0).pause(5.0) == 5.0 + FIRST_PAUSE


def test_what_the_server_asked_for_is_not_waited_beyond_the_bound() -> None:
    assert patience(10.0).pause(3600.0) is None


def test_after_something_went_well_it_begins_anew() -> None:
    clock = FakeClock()
    one = patience(10.0, clock)
    first = one.pause()
    one.pause()
    clock.advance(100.0)
    assert one.pause() is None
    one.reset()
    assert one.pause() == first


@given(
    st.floats(0, 1000),
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 1), st.none() | st.floats(0, 100))),
)
def test_no_try_begins_after_the_time_that_is_borne(
    bears: float, troubles: list[tuple[float, float, float | None]]
) -> None:
    clock = FakeClock()
    chances = iter([chance for _, chance, _ in troubles])
    one = Patience(bears, now=clock, chance=lambda: next(chances))
    begun = clock()
    for seconds, _, after in troubles:
        pause = one.pause(after)
        if pause is None:
            return
        assert pause >= (after or 0.0)
        assert pause <= (after or 0.0) + LONGEST_PAUSE
        assert clock() + pause - begun <= bears + 1e-3
        clock.advance(pause + seconds)


def test_ever_more_troubles_do_not_overflow() -> None:
    one = patience(float("inf"))
    assert [one.pause() for _ in range(5000)][-1] == LONGEST_PAUSE
