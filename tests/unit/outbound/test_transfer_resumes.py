"""Resumes: parts, what is asked for, what is compared, and when a file starts over.

The rules are those of docs/decisions/0042-resume.md.
"""

from __future__ import annotations

import pytest
from tests.unit.outbound.test_transfer_answers import (
    ANSWERS,
    CUT,
    HELD,
    LIMITS,
    NOW,
    STATES,
    WHOLE,
    part,
    word,
)

from packmule.errors import FailureCode
from packmule.outbound.head import Head
from packmule.outbound.outcomes import DiscardBody, Fail, Finished, Retry, TakeBody
from packmule.outbound.transfer import (
    OVERLAP_DIFFERS,
    START,
    Limits,
    TransferState,
    begin,
    conclude,
    judge,
    range_fields,
)


def test_a_coded_body_is_resumed_by_the_bytes_that_came() -> None:
    coded = {**WHOLE, "content-encoding": "gzip"}
    state, verdict = judge(begin(START, LIMITS), Head(200, coded, 100), LIMITS, now=NOW)
    assert verdict == TakeBody(0, 100)
    state, _ = conclude(state, 40, CUT, LIMITS)
    state = begin(state, LIMITS)
    assert range_fields(state, LIMITS) == (b"Range: bytes=40-", b'If-Range: "v1"')
    assert word(state, Head(206, part(**{"content-encoding": "gzip"}), 60)) == "on"
    assert word(state, Head(206, part(**{"content-encoding": "br"}), 60)) == "whole"
    assert word(state, ANSWERS["206, the rest"]) == "whole"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (HELD._replace(etag='W/"v1"', kept=9), "too few bytes to compare"),
        (HELD._replace(etag='W/"v1"', total=None), "no length to compare"),
        (HELD._replace(etag=None), "neither tag nor date"),
        (HELD._replace(overlaps=True, distrust_ranges=True), "it failed before"),
    ],
)
def test_without_evidence_a_try_starts_over(state: TransferState, why: str) -> None:
    begun = begin(state, LIMITS)
    assert begun.kept == 0, why
    assert range_fields(begun, LIMITS) == ()


def test_ten_bytes_are_enough_to_compare() -> None:
    begun = begin(HELD._replace(etag='W/"v1"', kept=10), LIMITS)
    assert range_fields(begun, LIMITS) == (b"Range: bytes=0-",)


def test_a_malformed_tag_is_compared_but_never_sent() -> None:
    fields = {**WHOLE, "etag": "v1"}
    state, _ = judge(begin(START, LIMITS), Head(200, fields, 100), LIMITS, now=NOW)
    state, _ = conclude(state, 40, CUT, LIMITS)
    state = begin(state, LIMITS)
    assert range_fields(state, LIMITS) == (b"Range: bytes=20-",)
    assert word(state, Head(206, part("20-99/100", etag="v1"), 80)) == "cmp"
    assert word(state, Head(206, part("20-99/100", etag="v2"), 80)) == "whole"


def test_bytes_that_differ_start_over_and_are_never_trusted_again() -> None:
    state = begin(STATES["probe"], LIMITS)
    after, outcome = conclude(state, 40, OVERLAP_DIFFERS, LIMITS)
    assert isinstance(outcome, Retry)
    assert outcome.cause.code is FailureCode.CHANGED
    assert begin(after, LIMITS).kept == 0


def test_an_origin_that_ignores_a_plain_range_is_not_asked_for_one_again() -> None:
    state, _ = judge(begin(STATES["probe"], LIMITS), ANSWERS["200"], LIMITS, now=NOW)
    state, _ = conclude(state, 50, CUT, LIMITS)
    assert range_fields(begin(state, LIMITS), LIMITS) == ()


def test_to_ask_for_an_overlap_costs_no_try() -> None:
    last = begin(HELD._replace(tries=LIMITS.attempts - 1), LIMITS)
    state, verdict = judge(last, Head(200, WHOLE, 100), LIMITS, now=NOW)
    assert isinstance(verdict, DiscardBody)
    assert isinstance(verdict.after, Retry)
    assert verdict.after.delay == 0.0
    assert state.tries == last.tries
    # It is asked for only once.
    state, verdict = judge(begin(state, LIMITS), Head(200, WHOLE, 100), LIMITS, now=NOW)
    assert verdict == TakeBody(0, 100)


def test_what_was_compared_once_is_compared_again() -> None:
    state, verdict = judge(
        begin(STATES["probe"], LIMITS), ANSWERS["206, 20 bytes earlier"], LIMITS, now=NOW
    )
    assert verdict == TakeBody(40, 100, 20)
    state, _ = conclude(state, 70, CUT, LIMITS)
    assert range_fields(begin(state, LIMITS), LIMITS) == (b"Range: bytes=50-",)


def test_slices_are_asked_for_one_after_the_other_without_a_wait() -> None:
    limits = Limits(least_progress=10)
    state = begin(START, limits)
    head = Head(206, part("0-59/100"), 60)
    state, verdict = judge(state, head, limits, now=NOW)
    assert verdict == TakeBody(0, 100)
    state, outcome = conclude(state, 60, None, limits)
    assert isinstance(outcome, Retry)
    assert outcome.delay == 0.0
    state = begin(state, limits)
    assert range_fields(state, limits) == (b"Range: bytes=60-", b'If-Range: "v1"')


def test_a_part_that_is_too_large_is_not_begun() -> None:
    state = begin(HELD._replace(total=None), LIMITS)
    _, verdict = judge(state, Head(206, part("40-1000/1001"), 961), LIMITS, now=NOW)
    assert isinstance(verdict, DiscardBody)
    assert isinstance(verdict.after, Fail)
    assert verdict.after.failure.code is FailureCode.TOO_LARGE


def test_a_part_that_names_no_total_leaves_the_known_one() -> None:
    state, verdict = judge(begin(HELD, LIMITS), ANSWERS["206, total unknown"], LIMITS, now=NOW)
    assert verdict == TakeBody(40, 100)
    assert state.total == 100


@pytest.mark.parametrize("span", ["40-59/100", "40-59/*"])
@pytest.mark.parametrize("state", ["tag", "cut"])
def test_bytes_beyond_the_end_of_a_part_are_not_believed(state: str, span: str) -> None:
    """Chunked, no length gives them away; what they are, no Content-Range says."""
    answer = Head(206, part(span), None)
    begun, verdict = judge(begin(STATES[state], LIMITS), answer, LIMITS, now=NOW)
    assert isinstance(verdict, TakeBody)
    for kept in (59, 60):
        after, outcome = conclude(begun, kept, CUT, LIMITS)
        assert isinstance(outcome, Retry)
        assert begin(after, LIMITS).kept == kept
    for kept, cut in ((61, None), (100, None), (100, CUT)):
        after, outcome = conclude(begun, kept, cut, LIMITS)
        assert isinstance(outcome, Retry)
        assert outcome.cause.code is FailureCode.CHANGED
        assert begin(after, LIMITS).kept == 0
        assert range_fields(begin(after, LIMITS), LIMITS) == ()


def test_what_a_part_promised_does_not_bind_a_later_answer() -> None:
    begun, _ = judge(begin(HELD, LIMITS), Head(206, part("40-59/100"), None), LIMITS, now=NOW)
    after, _ = conclude(begun, 60, CUT, LIMITS)
    whole, _ = judge(begin(after, LIMITS), ANSWERS["200, ranges: none"], LIMITS, now=NOW)
    assert conclude(whole, 100, None, LIMITS)[1] == Finished()


def test_the_end_of_a_part_is_not_the_end_of_a_file_whose_length_is_unknown() -> None:
    cut = STATES["cut"]
    state, verdict = judge(begin(cut, LIMITS), ANSWERS["206, total unknown"], LIMITS, now=NOW)
    assert verdict == TakeBody(40, None)
    state, outcome = conclude(state, 100, None, LIMITS)
    assert isinstance(outcome, Retry)
    assert outcome.cause.code is FailureCode.TRUNCATED
    state = begin(state, LIMITS)
    assert range_fields(state, LIMITS) == (b"Range: bytes=100-", b'If-Range: "v1"')
    _, verdict = judge(state, ANSWERS["416 of what is held"], LIMITS, now=NOW)
    assert verdict == DiscardBody(Finished())
