"""The writer: everything in its order, whatever one command does."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from packmule.assembly.disk.blocks import Beside, Lanes, Writer


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


def test_what_is_beside_is_done_in_the_order_of_its_lane_and_before_its_write() -> None:
    writer = Writer(Lanes(3))
    told: dict[int, list[int]] = {lane: [] for lane in range(5)}
    missed: list[int] = []

    def write(number: int) -> None:
        if number not in told[number % 5]:
            missed.append(number)

    for number in range(200):
        lane = number % 5
        beside = Beside(lane, partial(told[lane].append, number))
        writer.submit(partial(write, number), None, beside)
    writer.close()
    assert missed == []
    assert told == {lane: list(range(lane, 200, 5)) for lane in range(5)}


def test_two_lanes_work_at_once() -> None:
    writer = Writer(Lanes(2))
    both = threading.Barrier(2, timeout=10)
    met: list[int] = []
    for lane in range(2):
        writer.submit(lambda: None, None, Beside(lane, lambda: met.append(both.wait())))
    writer.wait()
    assert sorted(met) == [0, 1]
    writer.close()


def test_what_is_beside_is_done_although_it_fails_and_although_there_is_no_thread(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = Writer(Lanes(1))
    done: list[int] = []

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError(f"can't start {thread.name}")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        writer.submit(partial(done.append, 1), None, Beside(0, _fail))
        writer.wait()
    writer.submit(partial(done.append, 2), None, Beside(0, _fail))
    writer.wait()
    assert done == [1, 2]
    assert len(caplog.records) == 3
    writer.close()
