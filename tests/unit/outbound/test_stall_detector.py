"""Slow transfers: fewer bytes than the least rate over a whole window end a try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from packmule.errors import FailureCode
from packmule.outbound.fetch import TIMED_BYTES, Fetch
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.stall_detector import check, interval
from packmule.outbound.transfer import Limits
from packmule.outbound.urls import parse

if TYPE_CHECKING:
    from packmule.outbound.receiver import Receiver
    from packmule.outbound.transfer_handle import TransferHandle

SETTINGS = LoopSettings(
    first_byte_timeout=25.0, stall_timeout=10.0, least_rate=100.0, limits=Limits(seconds=60.0)
)


@dataclass
class FakeReceiver:
    """As much of a receiver as a file's time depends on."""

    kept: int = 0


@dataclass
class FakeHandle:
    """As much of a handle as the watch looks at."""

    fetch: Fetch
    receiver: FakeReceiver
    moved: int = 0
    answered: bool = True
    paused: bool = False
    window_start: float = 0.0
    window_moved: int = 0
    wants_nothing: bool = False


@pytest.fixture
def handle() -> FakeHandle:
    receiver = FakeReceiver()
    fetch = Fetch(parse("https://a.example/f"), cast("Receiver", receiver))
    return FakeHandle(fetch, receiver)


def code(handle: FakeHandle, now: float) -> FailureCode | None:
    broken = check(cast("TransferHandle", handle), now, SETTINGS)
    return None if broken is None else broken.code


def test_nothing_is_judged_before_a_window_is_over(handle: FakeHandle) -> None:
    assert code(handle, 9.9) is None


def test_silence_over_a_window_is_a_stall(handle: FakeHandle) -> None:
    assert code(handle, 10.0) is FailureCode.STALLED


def test_no_answer_over_a_window_is_a_timeout(handle: FakeHandle) -> None:
    handle.answered = False
    assert code(handle, 24.9) is None
    assert code(handle, 25.0) is FailureCode.TIMEOUT


def test_a_drip_below_the_least_rate_is_a_stall(handle: FakeHandle) -> None:
    handle.moved = 999
    assert code(handle, 10.0) is FailureCode.STALLED


def test_the_least_rate_is_enough_and_begins_a_new_window(handle: FakeHandle) -> None:
    handle.moved = 1_000
    assert code(handle, 10.0) is None
    assert (handle.window_start, handle.window_moved) == (10.0, 1_000)
    assert code(handle, 19.9) is None
    assert code(handle, 20.0) is FailureCode.STALLED


def test_who_waits_for_us_is_not_slow(handle: FakeHandle) -> None:
    handle.paused = True
    assert code(handle, 100.0) is None
    handle.paused = False
    assert code(handle, 109.9) is None
    assert code(handle, 110.0) is FailureCode.STALLED


def test_a_file_has_its_time_however_fast_it_comes(handle: FakeHandle) -> None:
    handle.fetch.deadline = 60.0
    handle.moved = 10**9
    assert code(handle, 60.0) is FailureCode.TIMEOUT


def test_a_large_file_has_that_time_for_each_50_gb_that_have_come(handle: FakeHandle) -> None:
    day = SETTINGS.limits.seconds
    handle.fetch.deadline = day
    for kept, until in ((TIMED_BYTES - 1, day), (TIMED_BYTES, 2 * day), (10**12, 21 * day)):
        handle.receiver.kept = kept
        handle.window_start = until
        assert code(handle, until - 1.0) is None
        assert code(handle, until) is FailureCode.TIMEOUT
        assert handle.fetch.time_for(day) == until


@pytest.mark.parametrize(("window", "seconds"), [(60.0, 1.0), (4.0, 1.0), (2.0, 0.5)])
def test_a_window_is_not_much_exceeded(window: float, seconds: float) -> None:
    assert interval(window) == seconds


def test_where_nothing_more_is_wanted_the_window_is_short(handle: FakeHandle) -> None:
    handle.wants_nothing = True
    handle.moved = 200
    assert code(handle, 2.0) is None  # it moved: another window begins
    assert code(handle, 3.9) is None
    assert code(handle, 4.0) is FailureCode.STALLED
