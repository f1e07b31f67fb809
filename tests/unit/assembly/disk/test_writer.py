"""The writer: everything in its order, whatever one command does."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from packmule.assembly.disk.blocks import Writer


def _fail() -> None:
    raise ZeroDivisionError


def test_each_command_waits_for_its_own_preparation_and_for_its_turn() -> None:
    writer = Writer()
    told: list[str] = []
    for number in range(200):
        before = partial(told.append, f"before {number}") if number % 3 else None
        writer.submit(partial(told.append, f"write {number}"), before)
    writer.close()
    assert [each for each in told if each.startswith("write")] == [f"write {n}" for n in range(200)]
    assert [each for each in told if each.startswith("before")] == [
        f"before {n}" for n in range(200) if n % 3
    ]
    for number in (1, 2, 100, 199):
        assert told.index(f"before {number}") < told.index(f"write {number}")


def test_the_next_block_is_summed_up_while_one_is_written() -> None:
    writer = Writer()
    summed = threading.Event()
    writer.submit(lambda: None if summed.wait(10) else pytest.fail("never"))
    writer.submit(lambda: None, summed.set)
    writer.wait()
    assert summed.is_set()
    writer.close()


def test_a_command_that_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    writer = Writer()
    done: list[int] = []
    writer.submit(_fail)
    writer.submit(partial(done.append, 1), _fail)
    writer.wait()
    assert done == [1]
    assert len(caplog.records) == 2
    writer.close()
