"""What a host's health adds up: sizes, waits, rounds and budget, to the last digit."""

from __future__ import annotations

import math

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.host_health import HostHealth, HostSignal, host_signal
from packmule.outbound.outcomes import Fail, Retry
from packmule.outbound.protocol import BIG, SMALL
from packmule.outbound.transfer import Limits

LIMITS = Limits(attempts=4, host_retries=3, first_delay=0.5, longest_delay=60.0)
A_FILE = 128 * 1024


@pytest.fixture
def host() -> HostHealth:
    return HostHealth(8, LIMITS)


def test_of_a_new_host_nothing_is_known(host: HostHealth) -> None:
    assert (host.per_host, host.at_first, host.allowed, host.active) == (8, 8, 8, 0)
    assert (host.limit, host.budget, host.is_well, host.answers) == (8.0, 3.0, True, True)
    assert (host.not_before, host.paused_until, host.served_at) == (0.0, 0.0, -math.inf)
    assert (host.failing_since, host.counted_until) == (0.0, 0.0)
    assert (host.came, host.files, host.gained, host.measured) == (0, 0, 0, 0)
    assert (host.size, host.wait, host.is_big) == (None, 0.0, False)
    assert (host.serves_ranges, host.has_answered) == (True, False)


@pytest.mark.parametrize("allowed", [0, 1, 5])
def test_a_host_may_be_allowed_less_from_the_beginning(allowed: int) -> None:
    assert HostHealth(8, LIMITS, allowed=allowed).allowed == allowed


@pytest.mark.parametrize(
    ("status", "is_retry", "signal"),
    [
        (499, False, HostSignal.ANSWERED),
        (500, False, HostSignal.FALTERED),
        (499, True, HostSignal.FALTERED),
        (None, False, HostSignal.FALTERED),  # cut, stalled: no status says that it is well
        (503, True, HostSignal.SILENT),
    ],
)
def test_a_status_of_500_and_no_status_are_the_hosts_fault(
    status: int | None, signal: HostSignal, *, is_retry: bool
) -> None:
    cause = Failure(FailureCode.HTTP_STATUS, "it failed", status)
    after = Retry(1.0, cause) if is_retry else Fail(cause)
    assert host_signal(after, answered=True) is signal


@pytest.mark.parametrize("trouble", ["falter", "fall_silent", "pause"])
def test_a_host_in_any_trouble_is_not_well(host: HostHealth, trouble: str) -> None:
    match trouble:
        case "falter":
            host.falter(1.0)
        case "fall_silent":
            host.fall_silent(1.0, 2.0)
        case _:
            host.pause(1.0, 2.0, 3.0)
    assert not host.is_well
    assert host.has_answered is (trouble != "fall_silent")
    host.answered()
    assert host.is_well
    assert host.has_answered


def test_sizes_and_waits_are_means_of_which_the_newest_is_an_eighth(host: HostHealth) -> None:
    host.respond(1, 800, 0.8)
    assert (host.size, host.wait) == (800.0, 0.8)
    host.respond(1, 1600, 1.6)
    assert host.size == 900.0
    assert host.wait == pytest.approx(0.9)
    host.respond(1, None, 1.7)
    assert host.size == 900.0
    assert host.wait == pytest.approx(1.0)
    assert host.files == 3


def test_a_first_file_of_unknown_size_counts_as_empty(host: HostHealth) -> None:
    host.respond(1, None, 0.5)
    assert host.size == 0.0
    host.respond(1, 800, 0.5)
    assert host.size == 100.0


def test_a_response_shows_that_the_host_answers_again(host: HostHealth) -> None:
    host.respond(1, 10, 0.1)
    assert not host.pause(1.0, 2.0, None, rank=2)
    assert not host.answers
    host.respond(1, 10, 0.1)
    assert host.answers


def test_work_is_what_came_and_so_much_for_each_file(host: HostHealth) -> None:
    host.came = 1000
    host.respond(1, 10, 0.1)
    host.respond(2, 10, 0.1)
    host.measure(1.0)
    assert (host.gained, host.measured) == (1000 + 2 * A_FILE, 1000 + 2 * A_FILE)
    host.came = 1500
    host.respond(1, 10, 0.1)
    host.measure(2.0)
    assert (host.gained, host.measured) == (500 + A_FILE, 1500 + 3 * A_FILE)


@pytest.mark.parametrize(
    ("sizes", "is_big"),
    [
        ([BIG - 8], [False]),
        ([BIG], [True]),
        ([BIG, SMALL, 0], [True, True, True]),
        ([None], [False]),
        ([], [False]),
    ],
)
def test_bodies_are_big_from_a_mebibyte_on_until_they_are_clearly_smaller(
    host: HostHealth, sizes: list[int | None], is_big: list[bool]
) -> None:
    found = []
    for now, size in enumerate(sizes or [None], 1):
        if sizes:
            host.respond(1, size, 0.1)
        host.measure(float(now))
        found.append(host.is_big)
    assert found == is_big


@pytest.mark.parametrize(("size", "is_big"), [(SMALL, True), (SMALL - 1, False)])
def test_big_bodies_stay_big_down_to_a_quarter(
    host: HostHealth, size: int, *, is_big: bool
) -> None:
    host.is_big, host.size = True, float(size)
    host.measure(1.0)
    assert host.is_big is is_big


@pytest.mark.parametrize(
    ("wait", "too_early", "enough"), [(0.0, 0.29, 0.3), (0.5, 1.99, 2.0), (0.1, 0.39, 0.4)]
)
def test_big_bodies_are_watched_for_four_waits_and_a_moment(
    wait: float, too_early: float, enough: float
) -> None:
    for seconds, rises in ((too_early, False), (enough, True)):
        host = HostHealth(128, LIMITS)
        host.respond(8, 2 * BIG, wait)
        host.active = 8
        host.measure(0.0)
        host.came = 80_000_000
        assert host.measure(seconds) is rises


def test_small_bodies_are_not_watched_for_long() -> None:
    host = HostHealth(128, LIMITS)
    host.respond(8, 100, 5.0)
    host.active = 8
    host.measure(0.0)
    host.came = 80_000_000
    assert host.measure(0.01)


@pytest.mark.parametrize(
    ("spent", "refund", "left"), [(0, 0, 3.0), (1, 0, 3.0), (2, 0, 2.0), (3, 0, 1.0), (3, 1, 2.0)]
)
def test_a_file_pays_back_its_own_retries_and_one_more(
    host: HostHealth, spent: int, refund: int, left: float
) -> None:
    for _ in range(spent):
        assert host.pay()
    host.served(refund, 7.0)
    assert (host.budget, host.served_at, host.has_answered) == (left, 7.0, True)


def test_what_a_file_cost_never_raises_the_budget_above_its_beginning(host: HostHealth) -> None:
    host.served(2)
    assert (host.budget, host.served_at) == (3.0, 0.0)


def test_a_host_without_budget_is_held_a_fifth_of_a_delay_for_each_fault(host: HostHealth) -> None:
    host.pay()
    host.pay()
    host.falter(10.0)
    assert host.not_before == 0.0  # one retry is left
    host.pay()
    host.falter(10.0)
    assert host.not_before == pytest.approx(10.1)


def test_faults_that_go_on_double_the_distance_up_to_twice_the_first_delay(
    host: HostHealth,
) -> None:
    for _ in range(8):
        host.falter(100.0)
    distances = []
    for n in range(7):
        now = 200.0 + 10 * n
        host.falter(now)
        distances.append(host.not_before - now)
    assert distances == [0.0625, 0.125, 0.25, 0.5, 1.0, 1.0, 1.0]


def test_a_fault_ends_silence_and_pause(host: HostHealth) -> None:
    host.fall_silent(1.0, 2.0)
    host.falter(3.0)
    assert (host.rounds, host.pauses, host.faltered) == (0, 0, 1)
    host.pause(4.0, 5.0, 1.0)
    host.falter(6.0)
    assert (host.rounds, host.pauses, host.faltered) == (0, 0, 2)


def test_silence_begins_when_the_first_round_ends(host: HostHealth) -> None:
    for began, now in ((1.0, 4.0), (5.0, 9.0), (10.0, 12.0)):
        assert host.fall_silent(began, now) is False
        assert (host.failing_since, host.counted_until) == (4.0, now)


def test_silence_lowers_the_limit_and_many_at_once_are_the_suspects(host: HostHealth) -> None:
    assert host.fall_silent(1.0, 2.0, rank=5) is False
    assert host.limit == 4.0
    for _ in range(3):
        host.concurrency.answered(3)
    assert host.concurrency.bound == 4


def test_silence_of_a_host_asked_for_one_file_is_not_for_its_number(host: HostHealth) -> None:
    host.fall_silent(1.0, 2.0)
    for _ in range(3):
        host.concurrency.answered(1)
    assert host.concurrency.bound == 8


def test_silence_after_a_pause_begins_anew_and_what_was_under_way_is_part_of_it(
    host: HostHealth,
) -> None:
    host.pause(1.0, 5.0, 1.0)
    assert host.fall_silent(4.0, 6.0) is False
    assert (host.rounds, host.pauses) == (0, 1)
    assert host.fall_silent(5.0, 7.0) is False
    assert (host.rounds, host.pauses, host.failing_since) == (1, 0, 7.0)


def test_what_was_under_way_when_the_host_was_well_again_is_a_round(host: HostHealth) -> None:
    host.fall_silent(1.0, 5.0)
    host.answered()
    assert host.fall_silent(2.0, 6.0) is False
    assert host.rounds == 1


def test_who_was_given_up_begins_with_full_patience(host: HostHealth) -> None:
    ends = [host.fall_silent(2.0 * n, 2.0 * n + 1) for n in range(2 * LIMITS.attempts)]
    assert ends == [False, False, False, True] * 2


@pytest.mark.parametrize(("after", "is_given_up"), [(299.9, False), (300.0, True)])
def test_a_host_that_served_five_minutes_ago_may_be_given_up(
    host: HostHealth, after: float, *, is_given_up: bool
) -> None:
    host.served(0, 100.0)
    assert host.fall_silent(0.0, 100.0 + after, answered=True, enough=1) is is_given_up


def test_a_try_that_ended_when_the_pause_began_is_another_pause(host: HostHealth) -> None:
    assert host.pause(1.0, 5.0, 1.0) is False
    assert host.pause(4.9, 5.5, 1.0) is False
    assert host.pauses == 1
    assert host.pause(5.0, 6.5, 1.0) is False
    assert host.pauses == 2


def test_a_pause_with_a_time_is_one_however_many_answered_before(host: HostHealth) -> None:
    host.respond(4, 10, 0.1)
    assert host.pause(1.0, 2.0, 9.0, rank=4) is False
    assert (host.pauses, host.paused_until, host.limit) == (1, 11.0, 1.0)


def test_a_pause_goes_on_whatever_answers_meanwhile(host: HostHealth) -> None:
    host.pause(1.0, 2.0, 9.0)
    host.respond(1, 10, 0.1)
    assert host.pause(12.0, 13.0, None, rank=3) is False
    assert (host.pauses, host.not_before) == (2, 133.0)


def test_a_pause_after_the_host_was_well_is_not_the_one_before(host: HostHealth) -> None:
    host.pause(1.0, 20.0, 1.0)
    host.answered()
    assert host.pause(19.0, 30.0, 1.0) is False
    assert (host.pauses, host.failing_since) == (1, 30.0)


def test_who_turned_one_away_once_more_while_that_was_counted_is_not_held_longer(
    host: HostHealth,
) -> None:
    host.respond(1, 10, 0.1)
    assert host.pause(1.0, 2.0, None, rank=5) is False
    assert host.pause(1.9, 3.0, None, rank=4) is False
    assert (host.pauses, host.not_before) == (0, 2.5)
    assert host.pause(2.0, 3.0, None, rank=4) is False
    assert (host.pauses, host.not_before) == (1, 63.0)


@pytest.mark.parametrize(
    ("wait", "until"), [(None, 2.5), (0.0, 2.5), (0.2, 2.5), (9.0, 11.0), (5000.0, 3602.0)]
)
def test_one_transfer_too_many_is_waited_for_as_long_as_asked_and_no_longer(
    host: HostHealth, wait: float | None, until: float
) -> None:
    host.turn_away(1.0, 2.0, wait, rank=5)
    assert host.not_before == until
    assert (host.limit, host.pauses, host.rounds, host.is_well) == (4.0, 0, 0, True)
    for _ in range(3):
        host.concurrency.answered(4)
    assert host.concurrency.bound == 4


def test_a_pause_that_another_worker_met_is_heeded_and_not_told_on(host: HostHealth) -> None:
    host.heed_pause(50.0)
    assert (host.not_before, host.paused_until, host.limit) == (50.0, 0.0, 1.0)


@pytest.mark.parametrize("now", [0.1 * n for n in range(1, 100, 7)])
def test_the_longest_pause_is_waited_for_at_whatever_time_it_begins(
    host: HostHealth, now: float
) -> None:
    assert host.pause(0.0, now, LIMITS.longest_retry_after) is False
    assert host.paused_until == now + LIMITS.longest_retry_after
