"""A job's queue: what is planned is made when it is taken, in the order in which it was added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.outbound.test_fetch_scheduler import fetches

from packmule.outbound.job_queue import JobQueue

if TYPE_CHECKING:
    from packmule.outbound.fetch import Fetch


def test_a_planned_fetch_is_made_when_it_is_taken_and_keeps_its_turn() -> None:
    first, second, third, fourth = fetches("a.example", 4)
    made: list[int] = []

    def make(position: int) -> Fetch:
        made.append(position)
        return (second, third)[position]

    queue, key = JobQueue(), first.host_key
    queue.make = make
    queue.push(first)
    queue.plan(key, 0)
    queue.plan(key, 1)
    queue.push(fourth)
    assert (queue.pop(key), made) == (first, [])
    assert (queue.pop(key), made) == (second, [0])
    queue.push(first, first=True)
    assert [queue.pop(key) for _ in range(3)] == [first, third, fourth]
    assert not queue.hosts


def test_all_that_waits_is_made_and_returned() -> None:
    (ours,) = fetches("a.example", 1)
    (other,) = fetches("b.example", 1)
    queue = JobQueue()
    queue.make = lambda _: ours
    queue.plan(ours.host_key, 0)
    queue.push(other)
    assert list(queue.take_all(ours.host_key)) == [ours]
    assert queue.take_all(ours.host_key) == ()
    queue.plan(ours.host_key, 0)
    assert sorted(queue.take_everything(), key=lambda item: item.host_key) == [ours, other]
    assert not queue.hosts
    assert not queue.host_rotation


def test_what_nobody_can_make_is_a_fault_of_the_program() -> None:
    (item,) = fetches("a.example", 1)
    queue = JobQueue()
    queue.plan(item.host_key, 7)
    with pytest.raises(RuntimeError, match="7"):
        queue.pop(item.host_key)
