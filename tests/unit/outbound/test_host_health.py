"""A host's standing: not hammered, given up in bounded time when dying, forgiven when good."""

from __future__ import annotations

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.host_health import HostHealth, HostSignal, host_signal
from packmule.outbound.outcomes import Fail, Finished, Follow, Retry
from packmule.outbound.transfer import Limits

LIMITS = Limits(attempts=4, host_retries=3, first_delay=0.5, longest_delay=60.0)
SMALL, BIG = 100 * 1024, 100 * 1024 * 1024


def cause(status: int | None = None) -> Failure:
    return Failure(FailureCode.HTTP_STATUS, "it failed", status)


@pytest.fixture
def host() -> HostHealth:
    return HostHealth(8, LIMITS)


@pytest.mark.parametrize(
    ("after", "answered", "word"),
    [
        (Finished(), True, HostSignal.SERVED),
        (Follow("/b"), True, HostSignal.ANSWERED),
        (Retry(1.0, cause(), fruitful=True), True, HostSignal.ANSWERED),
        (Fail(cause(404)), True, HostSignal.ANSWERED),
        (Retry(1.0, cause(500)), True, HostSignal.FALTERED),
        (Retry(1.0, cause()), True, HostSignal.FALTERED),
        (Fail(cause(500)), True, HostSignal.FALTERED),
        (Retry(1.0, cause(429), busy=True), True, HostSignal.BUSY),
        (Retry(1.0, cause(429), busy=True), False, HostSignal.BUSY),
        (Fail(cause(429), busy=True), True, HostSignal.BUSY),
        (Fail(cause(503)), True, HostSignal.SILENT),
        (Retry(1.0, cause()), False, HostSignal.SILENT),
        (Fail(cause()), False, HostSignal.SILENT),
    ],
)
def test_a_tries_end_is_a_word_of_its_host(
    after: Finished | Follow | Retry | Fail, *, answered: bool, word: HostSignal
) -> None:
    assert host_signal(after, answered=answered) is word


def test_who_falters_is_asked_for_less_at_once(host: HostHealth) -> None:
    limits = []
    for _ in range(4):
        host.falter(0.0)
        limits.append(host.limit)
    assert limits == [4.0, 2.0, 1.0, 1.0]


def test_a_response_to_a_file_is_a_proof_of_what_the_host_bears(host: HostHealth) -> None:
    host.falter(0.0)
    for _ in range(4):
        host.respond(4, SMALL, 0.1)
    assert 4.0 < host.limit < 6.0
    for _ in range(100):
        host.respond(8, SMALL, 0.1)
    assert host.limit == 8.0


def rounds(host: HostHealth, seconds: float, size: int, *, until: float) -> list[int]:
    """Let every transfer be answered each so many seconds; return the limit at each round."""
    limits, now = [], 0.0
    while now < until:
        host.active = int(host.limit)
        limits.append(host.active)
        now += seconds
        for rank in range(1, host.active + 1):
            host.respond(rank, size, seconds)
        host.came += host.active * min(size, int(10_000_000 * seconds))
        host.measure(now)
    return limits


def test_a_host_whose_small_files_come_well_is_asked_for_twice_as_many_each_round() -> None:
    limits = rounds(HostHealth(128, LIMITS), 0.06, SMALL, until=0.4)
    assert limits[:6] == [8, 16, 32, 64, 128, 128]


def test_big_bodies_are_watched_for_longer_before_there_are_more_of_them() -> None:
    host = HostHealth(128, LIMITS)
    limits = rounds(host, 0.1, BIG, until=1.0)
    assert limits[:7] == [8, 8, 8, 8, 8, 16, 16]
    assert host.is_big


def test_where_big_bodies_follow_small_ones_the_limit_is_looked_for_anew() -> None:
    host = HostHealth(128, LIMITS)
    rounds(host, 0.06, SMALL, until=0.5)
    assert host.limit == 128.0
    for _ in range(20):
        host.respond(1, BIG, 0.06)
    host.measure(1.0)
    assert host.limit == 16.0


def test_who_turns_a_try_away_while_others_are_answered_is_only_asked_for_fewer() -> None:
    host = HostHealth(128, LIMITS)
    for rank in range(1, 5):
        host.respond(rank, SMALL, 0.1)
    assert not host.pause(1.0, 2.0, None, rank=5)
    assert not host.pause(1.0, 2.0, None, rank=6)
    assert (host.pauses, host.not_before, host.limit) == (0, 2.5, 4.0)
    for _ in range(9):
        host.respond(3, SMALL, 0.1)
    assert (host.concurrency.bound, host.limit) == (4, 4.0)


def test_who_answers_nobody_any_more_is_left_alone_for_longer() -> None:
    host = HostHealth(128, LIMITS)
    host.respond(1, SMALL, 0.1)
    assert not host.pause(1.0, 2.0, None, rank=5)
    assert not host.pause(2.5, 3.0, None, rank=4)
    assert (host.pauses, host.not_before, host.limit) == (1, 63.0, 1.0)


def test_a_busy_host_that_is_asked_for_one_file_is_left_alone_at_once() -> None:
    host = HostHealth(128, LIMITS)
    host.respond(1, SMALL, 0.1)
    host.pause(1.0, 2.0, None, rank=1)
    assert host.not_before == 62.0


def test_who_goes_on_faltering_is_asked_more_slowly(host: HostHealth) -> None:
    for _ in range(8):
        host.falter(100.0)
    assert host.not_before == 0.0
    host.falter(100.0)
    assert host.not_before > 100.0
    for _ in range(50):
        host.falter(100.0)
    assert host.not_before == 101.0  # twice the first delay, never for ever


def test_a_budget_of_retries_is_spent_once(host: HostHealth) -> None:
    assert [host.pay() for _ in range(5)] == [True, True, True, False, False]


def test_a_file_that_succeeds_pays_back_what_it_has_cost(host: HostHealth) -> None:
    assert host.pay()
    assert host.pay()
    host.served(2)
    assert [host.pay() for _ in range(4)] == [True, True, True, False]


def test_a_host_that_is_silent_for_so_many_rounds_is_given_up(host: HostHealth) -> None:
    now, given_up = 0.0, []
    for _ in range(LIMITS.attempts):
        given_up.append(host.fall_silent(began=now, now=now + 1))
        now = max(now + 1, host.not_before)
    assert given_up == [False, False, False, True]


def test_many_tries_at_once_are_one_round(host: HostHealth) -> None:
    assert not any(host.fall_silent(began=0.0, now=5.0 + n) for n in range(7))
    assert host.rounds == 1
    assert not host.fall_silent(began=5.0, now=20.0)
    assert host.rounds == 2


def test_rounds_are_further_and_further_apart(host: HostHealth) -> None:
    pauses = []
    for _ in range(3):
        host.fall_silent(began=host.not_before, now=host.not_before)
        pauses.append(host.not_before)
    assert pauses == [0.0, 0.5, 1.5]


def test_a_host_that_has_just_served_is_not_given_up_for_answering_503(host: HostHealth) -> None:
    host.served(0, 100.0)
    for n in range(10):
        now = 110.0 + 20 * n
        assert not host.fall_silent(began=now, now=now + 1, answered=True)
    assert host.rounds == 10
    assert host.fall_silent(began=399.0, now=400.0, answered=True)


def test_a_host_that_has_just_served_is_given_up_for_silence(host: HostHealth) -> None:
    host.served(0, 100.0)
    ends = [host.fall_silent(began=110.0 + n, now=110.5 + n) for n in range(LIMITS.attempts)]
    assert ends == [False, False, False, True]


def test_fewer_rounds_may_be_enough(host: HostHealth) -> None:
    assert [host.fall_silent(began=2 * n, now=2 * n + 1, enough=2) for n in range(2)] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("said", "pauses"),
    [
        (None, [60.0, 120.0, 240.0, 480.0, 900.0, 900.0]),
        (30.0, [30.0] * 6),
        (0.0, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]),
    ],
)
def test_a_busy_host_is_left_alone(said: float | None, pauses: list[float]) -> None:
    host, now, got = HostHealth(8, LIMITS), 1000.0, []
    for _ in pauses:
        assert not host.pause(now, now + 1, said)
        got.append(host.not_before - now - 1)
        now = host.not_before
    assert got == pauses


def test_tries_that_were_under_way_are_part_of_the_same_pause(host: HostHealth) -> None:
    for n in range(8):
        host.pause(began=1000.0, now=1001.0 + n, wait=None)
    assert (host.pauses, host.not_before, host.limit) == (1, 1061.0, 1.0)
    host.pause(began=1000.0, now=1010.0, wait=121.0)
    assert host.not_before == 1131.0
    host.pause(began=1000.0, now=1010.0, wait=30.0)
    assert host.not_before == 1131.0  # a later word does not shorten it


def test_a_busy_host_is_given_up_once_it_has_served_nothing_for_too_long(host: HostHealth) -> None:
    now, pauses = 1000.0, 0
    while not host.pause(now, now, None):
        now, pauses = host.not_before, pauses + 1
    assert pauses == 7
    assert 1000.0 < now <= 1000.0 + LIMITS.longest_retry_after
    assert host.is_well  # for who comes later


@pytest.mark.parametrize("wait", [3600.0, 3601.0])
def test_the_longest_pause_is_waited_for_and_no_longer_one(host: HostHealth, wait: float) -> None:
    assert host.pause(0.0, 5.0, wait) is (wait > LIMITS.longest_retry_after)


def test_a_file_in_between_makes_the_next_pause_the_first(host: HostHealth) -> None:
    for n in range(100):
        now = 1000.0 * n
        assert not host.pause(now, now, None)
        assert host.not_before == now + 60
        host.served(0, now + 100)


def test_silence_after_a_pause_and_a_pause_after_silence_count_anew(host: HostHealth) -> None:
    for n in range(10):
        assert not host.pause(100.0 * n, 100.0 * n + 1, 30.0)
        assert not host.fall_silent(100.0 * n + 40, 100.0 * n + 41)


@pytest.mark.parametrize("good", [lambda host: host.served(0), lambda host: host.answered()])
def test_one_good_word_ends_the_silence(host: HostHealth, good: object) -> None:
    for n in range(LIMITS.attempts - 1):
        host.fall_silent(began=10.0 * n, now=10.0 * n + 1)
    assert not host.is_well
    assert callable(good)
    good(host)
    assert host.is_well
    assert not host.fall_silent(began=100.0, now=101.0)


def test_a_host_shows_its_state_in_a_line() -> None:
    host = HostHealth(per_host=32, limits=Limits())
    assert repr(host) == "<HostHealth active=0/8 ramp budget=100 not_before=0 well>"
    host.active = 3
    host.falter(10.0)
    host.pay()
    state = "recover budget=99 not_before=0 faltered=1 silent=0 busy=0"
    assert repr(host) == f"<HostHealth active=3/4 {state}>"
    host.pause(11.0, 12.0, 8.5)
    state = "recover budget=99 not_before=20.5 faltered=1 silent=0 busy=1"
    assert repr(host) == f"<HostHealth active=3/1 {state}>"


def test_the_wait_for_a_silent_host_is_bounded_however_many_rounds_there_were() -> None:
    host = HostHealth(per_host=1, limits=Limits(attempts=5_000, longest_delay=60.0))
    for round_ in range(2_000):
        host.fall_silent(float(round_), float(round_))
    assert host.not_before == 1_999.0 + 60.0
