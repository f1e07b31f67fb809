"""Slow transfers: fewer bytes than the least rate over a whole window end a try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from packmule.errors import FailureCode
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer import Limits
from packmule.outbound.watch import interval, look

if TYPE_CHECKING:
    from packmule.outbound.slot import Slot

SETTINGS = LoopSettings(stall_timeout=10.0, least_rate=100.0, limits=Limits(seconds=60.0))


@dataclass
class FakeFetch:
    """As much of a fetch as the watch looks at."""

    deadline: float | None = None


@dataclass
class FakeSlot:
    """As much of a slot as the watch looks at."""

    fetch: FakeFetch
    moved: int = 0
    answered: bool = True
    paused: bool = False
    window_start: float = 0.0
    window_moved: int = 0


@pytest.fixture
def slot() -> FakeSlot:
    return FakeSlot(FakeFetch())


def code(slot: FakeSlot, now: float) -> FailureCode | None:
    broken = look(cast("Slot", slot), now, SETTINGS)
    return None if broken is None else broken.code


def test_nothing_is_judged_before_a_window_is_over(slot: FakeSlot) -> None:
    assert code(slot, 9.9) is None


def test_silence_over_a_window_is_a_stall(slot: FakeSlot) -> None:
    assert code(slot, 10.0) is FailureCode.STALLED


def test_no_answer_over_a_window_is_a_timeout(slot: FakeSlot) -> None:
    slot.answered = False
    assert code(slot, 10.0) is FailureCode.TIMEOUT


def test_a_drip_below_the_least_rate_is_a_stall(slot: FakeSlot) -> None:
    slot.moved = 999
    assert code(slot, 10.0) is FailureCode.STALLED


def test_the_least_rate_is_enough_and_begins_a_new_window(slot: FakeSlot) -> None:
    slot.moved = 1_000
    assert code(slot, 10.0) is None
    assert (slot.window_start, slot.window_moved) == (10.0, 1_000)
    assert code(slot, 19.9) is None
    assert code(slot, 20.0) is FailureCode.STALLED


def test_who_waits_for_us_is_not_slow(slot: FakeSlot) -> None:
    slot.paused = True
    assert code(slot, 100.0) is None
    slot.paused = False
    assert code(slot, 109.9) is None
    assert code(slot, 110.0) is FailureCode.STALLED


def test_a_file_has_its_time_however_fast_it_comes(slot: FakeSlot) -> None:
    slot.fetch.deadline = 60.0
    slot.moved = 10**9
    assert code(slot, 60.0) is FailureCode.TIMEOUT


@pytest.mark.parametrize(("window", "seconds"), [(60.0, 1.0), (4.0, 1.0), (2.0, 0.5)])
def test_a_window_is_not_much_exceeded(window: float, seconds: float) -> None:
    assert interval(window) == seconds
