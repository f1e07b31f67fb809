"""A database that is away at the start is waited for; one that lets nobody in is an error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from packmule.errors import DatabaseAway, DatabaseRefused, StorageFailed
from packmule.wiring.database_wait import when_reachable

if TYPE_CHECKING:
    from collections.abc import Callable


def failing(times: int, done: list[str]) -> Callable[[], None]:
    """Fail so many times as if the database were away, and note when it is done."""
    left = [times]

    def do() -> None:
        if left[0]:
            left[0] -= 1
            raise DatabaseAway("It does not answer.", "connection refused")
        done.append("done")

    return do


def test_what_finds_the_database_there_is_done_at_once() -> None:
    done: list[str] = []
    slept: list[float] = []
    when_reachable(failing(0, done), sleep=slept.append)
    assert done == ["done"]
    assert slept == []


def test_it_is_tried_less_and_less_often_until_it_is_done_once() -> None:
    done: list[str] = []
    slept: list[float] = []
    when_reachable(failing(7, done), sleep=slept.append)
    assert done == ["done"]
    assert slept == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_the_log_says_why_it_waits_and_when_that_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        when_reachable(failing(1, []), sleep=lambda _: None)
    assert caplog.messages == [
        "database not reachable retry_in=0.5 reason=connection refused",
        "database reachable",
    ]


def test_a_database_that_refuses_the_connection_is_an_error_with_its_reason() -> None:
    def refused() -> None:
        raise DatabaseRefused("It does not answer.", 'role "x" does not exist')

    with pytest.raises(StorageFailed, match=r'role "x" does not exist\. Check PACKMULE_DATABASE'):
        when_reachable(refused)
