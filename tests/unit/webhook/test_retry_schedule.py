"""When a message is tried again, case by case."""

from __future__ import annotations

from itertools import pairwise

import pytest

from packmule.errors import FailureCode
from packmule.outbound.outcomes import Answered, TryFailed
from packmule.webhook.retry_schedule import PAUSES, Again, Delivered, GivenUp, RetrySchedule

HOUR = 3600
USUAL = RetrySchedule()
LOST = TryFailed(FailureCode.CONNECT, "the host refuses the connection")


def pauses(schedule: RetrySchedule, chance: float = 0.0) -> list[float]:
    found: list[float] = []
    for tries in range(1, 20):
        verdict = schedule.judge(LOST, tries, chance)
        if isinstance(verdict, GivenUp):
            return found
        assert isinstance(verdict, Again)
        found.append(verdict.pause)
    raise AssertionError("it never ends")


def test_the_pauses_are_those_that_are_promised() -> None:
    assert pauses(USUAL) == [
        5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
    ]  # fmt: skip
    assert sum(PAUSES) == 75 * HOUR + 35 * 60 + 5


def test_chance_only_lengthens_a_pause_and_by_a_tenth_at_most() -> None:
    for least, most in zip(pauses(USUAL, 0.0), pauses(USUAL, 0.999), strict=True):
        assert least < most <= least * 1.1
    assert all(before < after for before, after in pairwise(pauses(USUAL, 0.5)))


def test_all_pauses_are_in_proportion_to_the_first() -> None:
    assert pauses(RetrySchedule(0.05)) == pytest.approx([pause / 100 for pause in PAUSES])


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    assert USUAL.judge(Answered(status), 1, 0.0) == Delivered(status)
    assert USUAL.judge(Answered(status), 10, 0.0) == Delivered(status)


@pytest.mark.parametrize("status", [199, 300, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503])
def test_every_other_answer_is_tried_again(status: int) -> None:
    verdict = USUAL.judge(Answered(status), 1, 0.0)
    assert isinstance(verdict, Again)
    assert (verdict.pause, verdict.status) == (5, status)


def test_what_went_wrong_is_said_in_words() -> None:
    refused = USUAL.judge(Answered(503), 1, 0.0)
    assert isinstance(refused, Again)
    assert refused.detail == "the receiver answered 503"
    lost = USUAL.judge(LOST, 1, 0.0)
    assert isinstance(lost, Again)
    assert lost.detail == LOST.detail


def test_410_ends_it_at_once() -> None:
    assert isinstance(USUAL.judge(Answered(410), 1, 0.0), GivenUp)


@pytest.mark.parametrize("code", [FailureCode.ADDRESS_NOT_ALLOWED, FailureCode.URL_INVALID])
def test_what_may_not_be_reached_ends_it_at_once(code: FailureCode) -> None:
    assert isinstance(USUAL.judge(TryFailed(code, "refused"), 1, 0.0), GivenUp)


@pytest.mark.parametrize(
    "code", [FailureCode.DNS, FailureCode.CONNECT, FailureCode.TLS, FailureCode.TIMEOUT]
)
def test_what_may_pass_is_tried_again(code: FailureCode) -> None:
    assert isinstance(USUAL.judge(TryFailed(code, "broken", lasting=True), 1, 0.0), Again)


@pytest.mark.parametrize(
    ("asked", "pause"), [(None, 5), (0.0, 5), (3.0, 5), (60.0, 60), (10**9, 24 * HOUR)]
)
def test_retry_after_lengthens_a_pause_to_a_day_at_most(asked: float | None, pause: float) -> None:
    verdict = USUAL.judge(Answered(503, asked), 1, 0.0)
    assert isinstance(verdict, Again)
    assert verdict.pause == pause
