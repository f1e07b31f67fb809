"""Ends of tries: what is whole, what is progress, and when the next try may come.

The law: RFC 9110 10.2.3 (Retry-After).
"""

from __future__ import annotations

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.head import Head
from packmule.outbound.outcomes import DiscardBody, Fail, Finished, Retry, TryFailed
from packmule.outbound.transfer import (
    OVERLAP_DIFFERS,
    START,
    Limits,
    TransferState,
    begin,
    conclude,
    judge,
)

DATE = "Mon, 02 Mar 2026 10:00:00 GMT"
NOW = 1_772_445_600.0
LIMITS = Limits(attempts=3, all_attempts=50, least_progress=10, longest_retry_after=20.0)
CUT = TryFailed(FailureCode.TRUNCATED, "cut")
STALLED = TryFailed(FailureCode.STALLED, "stalled")
LASTING = TryFailed(FailureCode.TLS, "not valid", lasting=True)


@pytest.mark.parametrize(
    ("total", "kept", "broken", "wanted"),
    [
        (100, 100, None, "whole"),
        (100, 100, CUT, "whole"),  # all that was announced came
        (100, 100, LASTING, "whole"),
        (None, 100, None, "whole"),  # only a proper end is one
        (0, 0, None, "whole"),
        (100, 99, None, "truncated"),
        (None, 100, CUT, "truncated"),
        (100, 99, STALLED, "stalled"),
        (100, 99, LASTING, "tls, for good"),
    ],
)
def test_the_end_of_a_body_means(
    total: int | None, kept: int, broken: TryFailed | None, wanted: str
) -> None:
    after, outcome = conclude(TransferState(total=total, attempts=1), kept, broken, LIMITS)
    match outcome:
        case Finished():
            said = "whole"
        case Retry(cause=cause):
            assert after.kept == kept
            said = cause.code.value
        case Fail(failure):
            said = f"{failure.code.value}, for good"
    assert said == wanted


@pytest.mark.parametrize(("total", "of"), [(100, "of 100"), (None, "of a file of unknown length")])
def test_a_body_that_ended_early_is_told_by_its_bytes(total: int | None, of: str) -> None:
    state = TransferState(kept=50, total=total, etag='"v1"', attempts=1)
    _, outcome = conclude(state, 99, None, LIMITS)
    assert isinstance(outcome, Retry)
    assert outcome.cause.detail == f"the body ended at byte 99 {of}"


@pytest.mark.parametrize(
    ("state", "kept", "has_ended", "whole"),
    [
        (TransferState(total=100, reached=40, attempts=2), 40, True, True),
        (TransferState(total=100, reached=41, attempts=2), 40, True, True),
        (TransferState(total=100, reached=40, attempts=2), 40, False, False),
        (TransferState(total=100, attempts=1), 40, True, False),  # more may have been to come
        (TransferState(total=100, reached=39, attempts=2), 40, True, False),
        (TransferState(total=100, reached=40, attempts=2), 0, True, False),
        # Nothing came in this try, so nothing was confirmed.
        (TransferState(kept=40, total=100, etag='"v1"', reached=40, attempts=2), 40, True, False),
    ],
)
@pytest.mark.parametrize("broken", [None, CUT])
def test_a_checksum_at_the_end_of_two_tries_makes_a_body_whole(
    state: TransferState,
    kept: int,
    has_ended: bool,  # noqa: FBT001 - a column of the table
    whole: bool,  # noqa: FBT001
    broken: TryFailed | None,
) -> None:
    _, outcome = conclude(state, kept, broken, LIMITS, has_ended=has_ended)
    assert isinstance(outcome, Finished) is whole


@pytest.mark.parametrize("held", [1, 50])
@pytest.mark.parametrize("broken", [None, CUT, STALLED])
def test_a_part_never_ends_a_body_whose_length_is_unknown(
    broken: TryFailed | None, held: int
) -> None:
    state = TransferState(kept=held, total=None, etag='"v1"', reached=held, attempts=2)
    after, outcome = conclude(state, 70, broken, LIMITS)
    assert isinstance(outcome, Retry)
    assert (after.kept, after.distrust_ranges) == (70, False)


@pytest.mark.parametrize(
    ("reached", "kept", "broken", "tries", "fruitful"),
    [
        (40, 50, CUT, 1, True),
        (40, 49, CUT, 3, False),  # fewer than `least_progress`
        (40, 40, CUT, 3, False),
        (90, 50, CUT, 3, False),  # all of that had been held before
        (0, 10, CUT, 1, True),
        (0, 90, STALLED, 3, False),  # what dripped until patience ended is none
    ],
)
def test_only_progress_resets_the_count_of_tries(
    reached: int, kept: int, broken: TryFailed, tries: int, *, fruitful: bool
) -> None:
    state = TransferState(total=100, reached=reached, tries=2, attempts=7)
    after, outcome = conclude(state, kept, broken, LIMITS)
    assert (after.tries, after.reached) == (tries, max(reached, kept))
    assert isinstance(outcome, Retry if tries < LIMITS.attempts else Fail)
    assert getattr(outcome, "fruitful", False) is fruitful


def test_what_dripped_in_until_patience_ended_is_no_progress_however_little_is_wanted() -> None:
    limits = Limits(least_progress=1)
    _, outcome = conclude(TransferState(attempts=1), 90, STALLED, limits)
    assert isinstance(outcome, Retry)
    assert not outcome.fruitful


@pytest.mark.parametrize(("enough", "tries"), [(None, 3), (2, 2), (1, 1), (9, 3)])
def test_some_failures_need_fewer_tries(enough: int | None, tries: int) -> None:
    failed = TryFailed(FailureCode.DNS, "no such name", enough=enough)
    state = TransferState(attempts=1)
    for _ in range(tries - 1):
        state, outcome = conclude(state, 0, failed, LIMITS)
        assert isinstance(outcome, Retry)
        assert outcome.enough == enough
    _, outcome = conclude(state, 0, failed, LIMITS)
    assert isinstance(outcome, Fail)
    assert outcome.enough == enough


def test_what_is_taken_up_after_a_restart_counts_its_tries_anew() -> None:
    assert begin(TransferState(kept=40, total=100, etag='"v1"'), LIMITS).attempts == 1


def test_a_source_has_these_limits_where_nobody_says_otherwise() -> None:
    assert Limits() == Limits(
        attempts=8,
        all_attempts=1000,
        least_progress=4096,
        redirects=20,
        max_bytes=50_000_000_000,
        max_head_bytes=65_536,
        max_url_length=8192,
        seconds=86_400.0,
        host_retries=100,
        first_delay=0.5,
        longest_delay=60.0,
        longest_retry_after=3600.0,
        first_pause=60.0,
        longest_pause=900.0,
        overlap=65_536,
        least_overlap=4096,
    )


def test_however_fruitful_the_tries_are_bounded() -> None:
    _, outcome = conclude(TransferState(total=9000, attempts=49), 100, CUT, LIMITS)
    assert isinstance(outcome, Retry)
    _, outcome = conclude(TransferState(total=9000, attempts=50), 100, CUT, LIMITS)
    assert outcome == Fail(Failure(FailureCode.TRUNCATED, "cut", attempts=50))


def test_the_delay_doubles_up_to_the_longest() -> None:
    limits = Limits(attempts=6, first_delay=0.5, longest_delay=3.0)
    state, delays = TransferState(attempts=1), []
    for _ in range(limits.attempts - 1):
        state, outcome = conclude(state, 0, CUT, limits)
        assert isinstance(outcome, Retry)
        delays.append(outcome.delay)
    assert delays == [0.5, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("fields", "delay", "named"),
    [
        ({"retry-after": "7"}, 7.0, True),
        ({"retry-after": "20"}, 20.0, True),
        ({"retry-after": "0"}, 0.5, True),  # never at once
        ({"retry-after": "Mon, 02 Mar 2026 10:00:08 GMT"}, 8.0, True),
        # By the origin's own clock, which is five minutes ahead of ours.
        (
            {
                "retry-after": "Mon, 02 Mar 2026 10:05:08 GMT",
                "date": "Mon, 02 Mar 2026 10:05:00 GMT",
            },
            8.0,
            True,
        ),
        ({"retry-after": "soon"}, 0.5, False),
        ({}, 0.5, False),
    ],
)
def test_an_origin_that_names_a_time_is_heard(
    fields: dict[str, str], delay: float, *, named: bool
) -> None:
    state, verdict = judge(begin(START, LIMITS), Head(429, fields, 0), LIMITS, now=NOW)
    assert isinstance(verdict, DiscardBody)
    assert isinstance(verdict.after, Retry)
    assert (verdict.after.delay, verdict.after.named_by_origin) == (delay, named)
    assert verdict.after.busy
    assert state.tries == 0


@pytest.mark.parametrize(("status", "busy"), [(429, True), (503, True), (403, False), (500, False)])
def test_an_origin_that_wants_to_be_left_alone_too_long_fails_the_file(
    status: int, *, busy: bool
) -> None:
    head = Head(status, {"retry-after": "7200"}, 0)
    _, verdict = judge(begin(START, LIMITS), head, LIMITS, now=NOW)
    detail = (
        f"the origin answered {status} and asks to come back in 7,200 s, "
        "longer than the limit of 20 s: retry then"
    )
    failure = Failure(FailureCode.HTTP_STATUS, detail, status, 1)
    assert verdict == DiscardBody(Fail(failure, busy=busy))


@pytest.mark.parametrize(
    ("status", "fields", "tries", "named"),
    [
        (500, {}, 1, False),
        (500, {"retry-after": "3"}, 1, True),
        (403, {"retry-after": "3"}, 1, True),
        (503, {}, 1, False),
        (503, {"retry-after": "3"}, 0, True),  # a pause costs no try
        (429, {}, 0, False),
        (202, {"retry-after": "3"}, 0, True),
    ],
)
def test_a_wait_costs_a_try_unless_the_origin_is_busy(
    status: int, fields: dict[str, str], tries: int, *, named: bool
) -> None:
    state, verdict = judge(begin(START, LIMITS), Head(status, fields, 0), LIMITS, now=NOW)
    assert isinstance(verdict.after, Retry)  # type: ignore[union-attr]
    assert (state.tries, verdict.after.named_by_origin) == (tries, named)  # type: ignore[union-attr]
    assert verdict.after.delay == (3.0 if named else 0.5)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kept", "total", "broken", "wanted"),
    [
        # A part that ended where it said is followed by the next one at once.
        (60, 100, None, ("truncated", 60, 0.0)),
        (60, 100, CUT, ("truncated", 60, 0.5)),  # cut at its very end: something is wrong
        (59, 100, None, ("truncated", 59, 0.5)),
        (60, None, None, ("truncated", 60, 0.5)),  # nobody knows whether there is more
        # A part that brought too much is not believed, and the next try asks for the whole.
        (61, 100, None, ("changed", 0, 0.5)),
        (61, 100, CUT, ("changed", 0, 0.5)),
    ],
)
def test_the_end_of_a_part_means(
    kept: int, total: int | None, broken: TryFailed | None, wanted: tuple[str, int, float]
) -> None:
    state = TransferState(kept=20, total=total, etag='"v1"', attempts=1, part_end=60)
    after, outcome = conclude(state, kept, broken, LIMITS)
    assert isinstance(outcome, Retry)
    code, held, delay = wanted
    assert outcome.cause.code.value == code
    assert (outcome.delay, after.kept if not after.distrust_ranges else 0) == (delay, held)


def test_a_first_part_of_unknown_total_is_no_whole_file() -> None:
    state = TransferState(etag='"v1"', attempts=1, part_end=60)
    _, outcome = conclude(state, 60, None, LIMITS)
    assert isinstance(outcome, Retry)


def test_an_overlap_that_differs_is_a_change_whatever_the_part_says() -> None:
    state = TransferState(kept=20, total=100, etag='"v1"', attempts=1)
    after, outcome = conclude(state, 20, OVERLAP_DIFFERS, LIMITS)
    assert after.distrust_ranges
    assert isinstance(outcome, Retry)
    assert outcome.cause.detail == OVERLAP_DIFFERS.detail
    _, outcome = conclude(state._replace(part_end=60), 61, CUT, LIMITS)
    assert isinstance(outcome, Retry)
    assert outcome.cause.detail.startswith("the origin's response to a resume does not match")


def test_the_next_part_is_asked_for_at_once_only_after_progress() -> None:
    state = TransferState(kept=60, total=100, etag='"v1"', reached=60, attempts=1, part_end=60)
    _, outcome = conclude(state, 60, None, LIMITS)
    assert isinstance(outcome, Retry)
    assert outcome.delay > 0.0
