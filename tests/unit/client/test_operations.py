"""What a client asks again, what it gives up, and how it waits."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.stage import Stage, document

from packmule.client import operations
from packmule.client.errors import (
    APIStatusError,
    ConnectionError,
    InvalidResponseError,
    WaitTimeout,
)
from packmule.client.operations import REQUEST_TIMEOUT, RETRY_TIMEOUT
from packmule.client.steps import ApiResponse, NetworkFault
from packmule.client.values import Cancelled, InProgress

if TYPE_CHECKING:
    from tests.fakes.stage import Answer

    from packmule.client.steps import ApiRequest

HASH = "0123456789abcdef0123456789abcdef"
CREATED = document({"archive_hash": HASH}, 202)
CANCELLED = document({"status": "cancelled"})
IN_PROGRESS = document(
    {
        "status": "in-progress",
        "progress": {
            "files": {"total": 2, "done": 1, "failed": 0},
            "bytes": {"done": 5, "total": 10},
        },
    }
)
REFUSED_CONNECTION = NetworkFault("connection refused", sent=False)
CUT = NetworkFault("cut", sent=True)
PAGE_OF_A_PROXY = ApiResponse(502, {"content-type": "text/html"}, b"<html>Bad Gateway</html>")
TRUNCATED = ApiResponse(200, {}, CANCELLED.body[:9])


def problem(status: int, code: str, **headers: str) -> ApiResponse:
    return document({"status": status, "code": code, "detail": f"{code}!"}, status, **headers)


@pytest.mark.parametrize(
    "trouble",
    [REFUSED_CONNECTION, CUT, PAGE_OF_A_PROXY, TRUNCATED, problem(503, "overloaded"),
     problem(429, "rate-limited", retry_after="2"), problem(500, "internal")],
)  # fmt: skip
def test_a_trouble_that_may_pass_is_borne(trouble: Answer) -> None:
    stage = Stage.of([trouble, trouble, CANCELLED])
    assert stage.play(operations.status(stage.context(), HASH)) == Cancelled()
    assert len(stage.asked) == 3
    assert [each.delay for each in stage.retries] == stage.pauses


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (problem(404, "not-found"), APIStatusError, "not-found"),
        (problem(401, "unauthorized"), APIStatusError, "unauthorized"),
        (problem(409, "wrong-state"), APIStatusError, "wrong-state"),
        (problem(507, "disk-full"), APIStatusError, "disk-full"),
        (ApiResponse(404, {}, b"<html>not here</html>"), InvalidResponseError, "invalid-response"),
        (ApiResponse(301, {"location": "https://x/"}), InvalidResponseError, "invalid-response"),
    ],
)
def test_a_refusal_is_not_asked_again(
    answer: ApiResponse, error: type[Exception], code: str
) -> None:
    stage = Stage.of([answer])
    with pytest.raises(error) as raised:
        stage.play(operations.status(stage.context(), HASH))
    assert getattr(raised.value, "code", None) == code
    assert len(stage.asked) == 1


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(CUT, ConnectionError), (PAGE_OF_A_PROXY, APIStatusError), (TRUNCATED, InvalidResponseError)],
)
def test_a_trouble_that_does_not_pass_is_told_in_the_end(
    trouble: Answer, error: type[Exception]
) -> None:
    stage = Stage.of([trouble])
    with pytest.raises(error):
        stage.play(operations.status(stage.context(), HASH))
    assert REQUEST_TIMEOUT / 2 < stage.clock <= REQUEST_TIMEOUT


def test_a_server_that_asks_for_more_time_than_is_borne_is_told_at_once() -> None:
    stage = Stage.of([problem(429, "rate-limited", retry_after="3600")])
    with pytest.raises(APIStatusError) as refused:
        stage.play(operations.status(stage.context(), HASH))
    assert (refused.value.status_code, refused.value.retry_after) == (429, 3600.0)
    assert stage.clock == 0.0


def test_create_is_sent_again_with_the_same_key_and_body() -> None:
    stage = Stage.of([CUT, PAGE_OF_A_PROXY, CREATED])
    assert stage.play(operations.create(stage.context(), ["http://x/a"], {})) == HASH
    assert len({each.headers["Idempotency-Key"] for each in stage.asked}) == 1
    assert len({each.body for each in stage.asked}) == 1


def test_each_create_has_a_key_of_its_own_unless_one_is_given() -> None:
    stage = Stage.of([CREATED])
    for options in ({}, {}, {"idempotency_key": "mine"}):
        stage.play(operations.create(stage.context(), ["u"], options))  # type: ignore[arg-type]
    keys = [each.headers["Idempotency-Key"] for each in stage.asked]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


@pytest.mark.parametrize(
    ("trouble", "asked"),
    [(REFUSED_CONNECTION, 2), (problem(429, "rate-limited"), 2), (CUT, 1), (PAGE_OF_A_PROXY, 1),
     (problem(503, "overloaded"), 1)],
)  # fmt: skip
def test_retry_is_sent_again_only_where_it_was_surely_not_done(trouble: Answer, asked: int) -> None:
    stage = Stage.of([trouble, IN_PROGRESS])
    with suppress(ConnectionError, APIStatusError):
        stage.play(operations.retry(stage.context(), HASH, "skip"))
    assert len(stage.asked) == asked


def test_delete_needs_no_document() -> None:
    stage = Stage.of([ApiResponse(204)])
    stage.play(operations.delete(stage.context(), HASH))
    assert stage.asked[0].method == "DELETE"


# --- waiting -----------------------------------------------------------------------------------


def held(stage: Stage, answers: list[Answer]) -> Any:
    """Answer as a server that holds what is in progress for as long as it is asked to."""

    def answer(request: ApiRequest) -> Answer:
        found = answers.pop(0)
        if found is IN_PROGRESS:
            stage.clock += float(request.params.get("wait", "0"))
        return found

    return answer


def wait(stage: Stage, timeout: float | None = None, told: Any = None) -> Any:
    return stage.play(operations.wait(stage.context(), HASH, timeout, told))


def test_waiting_asks_at_once_then_without_a_pause_as_long_as_answers_are_held() -> None:
    stage = Stage.of([])
    stage.answer = held(stage, [IN_PROGRESS, IN_PROGRESS, CANCELLED])
    assert wait(stage) == Cancelled()
    held_for = [each.params.get("wait") for each in stage.asked]
    assert held_for == [None, "30.000", "30.000"]  # the first: is the server there?
    assert stage.pauses == []


def test_whoever_wants_progress_is_told_each_second() -> None:
    stage, told = Stage.of([]), list[InProgress]()
    stage.answer = held(stage, [IN_PROGRESS, IN_PROGRESS, CANCELLED])
    wait(stage, told=told.append)
    assert len(told) == 2
    assert stage.clock == 1.0


def test_a_server_that_does_not_hold_its_answers_is_not_asked_without_end() -> None:
    stage = Stage.of([*[IN_PROGRESS] * 20, CANCELLED])
    wait(stage)
    assert stage.pauses[:6] == [0.25, 0.5, 1, 2, 4, 8]
    assert len(stage.pauses) == 19


def test_waiting_bears_a_server_that_is_away_for_minutes() -> None:
    stage = Stage.of([])

    def answer(_: ApiRequest) -> Answer:
        if len(stage.asked) == 1:
            return IN_PROGRESS
        return REFUSED_CONNECTION if stage.clock < RETRY_TIMEOUT * 0.9 else CANCELLED

    stage.answer = answer
    assert wait(stage) == Cancelled()
    assert stage.clock >= RETRY_TIMEOUT * 0.9


def test_waiting_gives_up_a_server_that_stays_away() -> None:
    stage = Stage.of([IN_PROGRESS, CUT], latency=1.0)
    with pytest.raises(ConnectionError):
        wait(stage)
    assert RETRY_TIMEOUT * 0.8 < stage.clock < RETRY_TIMEOUT * 1.2


def test_waiting_for_a_server_that_never_answered_gives_up_soon() -> None:
    stage = Stage.of([REFUSED_CONNECTION])
    with pytest.raises(ConnectionError):
        wait(stage)
    assert stage.clock <= REQUEST_TIMEOUT


def test_waiting_ends_when_the_time_is_over_and_tells_the_last_status() -> None:
    stage = Stage.of([])
    stage.answer = held(stage, [IN_PROGRESS] * 5)
    with pytest.raises(TimeoutError) as over:
        wait(stage, timeout=75.0)
    assert stage.clock == 75.0
    assert isinstance(over.value, WaitTimeout)
    assert isinstance(over.value.status, InProgress)


def test_no_time_at_all_is_one_question() -> None:
    stage = Stage.of([IN_PROGRESS])
    with pytest.raises(WaitTimeout):
        wait(stage, timeout=0.0)
    assert [each.params for each in stage.asked] == [{}]


def test_an_outage_does_not_make_waiting_longer_than_its_time() -> None:
    stage = Stage.of([IN_PROGRESS, CUT])
    with pytest.raises(ConnectionError):
        wait(stage, timeout=20.0)
    assert stage.clock <= 20.0
