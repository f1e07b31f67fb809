"""Transfers beyond one a file: only where there is room that no waiting file wants."""

from __future__ import annotations

import pytest
from tests.unit.outbound.test_fetch_scheduler import drained, fetches

from packmule.outbound.fetch_scheduler import FetchScheduler
from packmule.outbound.host_sharing import ALONE
from packmule.outbound.job_queue import JobQueue

A, B = ("https", "a.example", 443), ("https", "b.example", 443)


def begun(scheduler: FetchScheduler, **files: int) -> JobQueue:
    """Add a job of so many files of a.example and b.example, and begin all that may begin."""
    queue = JobQueue()
    items = [item for name, count in files.items() for item in fetches(f"{name}.example", count)]
    scheduler.add(queue, items)
    drained(scheduler)
    return queue


@pytest.mark.parametrize(
    ("per_host", "transfers", "allowed", "room"),
    [
        (8, 128, 128, 5),  # what the host bears
        (128, 10, 128, 7),  # what may be open in all
        (128, 128, 4, 1),  # what the other workers leave
        (3, 128, 128, 0),
        (128, 3, 128, 0),
        (128, 128, 3, 0),
    ],
)
def test_segments_get_what_host_and_worker_and_fleet_leave(
    per_host: int, transfers: int, allowed: int, room: int
) -> None:
    scheduler = FetchScheduler(per_host=per_host, at_first=128, transfers=transfers)
    begun(scheduler, a=3)
    scheduler.host(A).allowed = allowed
    assert scheduler.room_for_segments(A, 0.0) == room


def test_a_limit_between_two_numbers_is_the_lower_one() -> None:
    scheduler = FetchScheduler(per_host=8, at_first=8)
    begun(scheduler, a=1)
    scheduler.host(A).concurrency.limit = 3.9
    assert scheduler.room_for_segments(A, 0.0) == 2


def test_there_is_no_room_at_a_host_that_is_not_to_be_asked_yet() -> None:
    scheduler = FetchScheduler(per_host=8, at_first=8)
    begun(scheduler, a=1)
    scheduler.host(A).not_before = 5.0
    assert scheduler.room_for_segments(A, 4.9) == 0
    assert scheduler.room_for_segments(A, 5.0) == 7


def test_a_segment_counts_as_a_transfer_of_its_host_and_its_job() -> None:
    scheduler = FetchScheduler(per_host=3, at_first=3)
    queue = begun(scheduler, a=1)
    (segment,) = fetches("a.example", 1)
    scheduler.begin_segment(queue, segment)
    assert segment.host is scheduler.host(A)
    assert (segment.rank, segment.host.active, queue.open) == (2, 2, 2)
    assert queue.open_at == {A: 2}
    assert " open=2 " in repr(scheduler)
    assert scheduler.room_for_segments(A, 0.0) == 1
    scheduler.give_back(queue, segment)
    assert (scheduler.host(A).active, queue.open) == (1, 1)
    assert scheduler.room_for_segments(A, 0.0) == 2


def test_a_transfer_is_wanted_by_a_file_that_waits_for_its_host() -> None:
    scheduler = FetchScheduler(per_host=2, at_first=2)
    begun(scheduler, a=2)
    assert not scheduler.is_wanted(A, 0.0)
    begun(scheduler, a=1)
    assert scheduler.is_wanted(A, 0.0)
    assert not scheduler.is_wanted(B, 0.0)


@pytest.mark.parametrize(("not_before", "wanted"), [(4.9, True), (5.0, True), (5.1, False)])
def test_a_transfer_is_not_wanted_while_its_host_is_not_to_be_asked(
    not_before: float, *, wanted: bool
) -> None:
    scheduler = FetchScheduler(per_host=2, at_first=2)
    begun(scheduler, a=3)
    scheduler.host(A).not_before = not_before
    assert scheduler.is_wanted(A, 5.0) is wanted


@pytest.mark.parametrize(("allowed", "wanted"), [(3, False), (2, True), (1, False)])
def test_a_transfer_is_wanted_if_another_could_begin_in_its_place(
    allowed: int, *, wanted: bool
) -> None:
    """Not if the host bears more anyway, nor if this worker has more of it than its share."""
    scheduler = FetchScheduler(per_host=2, at_first=2)
    begun(scheduler, a=3)
    host = scheduler.host(A)
    host.allowed, host.concurrency.limit = allowed, 9.0
    assert scheduler.is_wanted(A, 0.0) is wanted


def test_a_transfer_is_wanted_at_a_host_whose_limit_has_fallen_below_what_is_open() -> None:
    scheduler = FetchScheduler(per_host=4, at_first=4)
    begun(scheduler, a=5)
    scheduler.host(A).concurrency.limit = 1.0
    assert scheduler.is_wanted(A, 0.0)


@pytest.mark.parametrize(
    ("files_of_b", "not_before", "allowed", "limit", "wanted"),
    [
        (1, 5.0, 9, 9.9, True),
        (0, 0.0, 9, 9.0, False),  # nobody waits
        (1, 5.1, 9, 9.0, False),  # it may not be asked yet
        (1, 0.0, 0, 9.0, False),  # nothing of it is left to this worker
        (1, 0.0, 9, 0.9, False),  # it bears no other
    ],
)
def test_where_all_transfers_are_open_one_is_wanted_by_a_file_of_another_host(
    files_of_b: int, not_before: float, allowed: int, limit: float, *, wanted: bool
) -> None:
    scheduler = FetchScheduler(per_host=9, at_first=9, transfers=3)
    queue = begun(scheduler, a=3)
    host = scheduler.host(B)
    host.not_before, host.allowed, host.concurrency.limit = not_before, allowed, limit
    for item in fetches("b.example", files_of_b):
        queue.push(item)
    assert scheduler.is_wanted(A, 5.0) is wanted


def test_where_there_is_room_no_file_wants_the_transfer_of_another() -> None:
    scheduler = FetchScheduler(per_host=9, at_first=9, transfers=4)
    queue = begun(scheduler, a=3)
    queue.push(*fetches("b.example", 1))
    assert not scheduler.is_wanted(A, 0.0)


def test_a_new_host_keeps_to_what_the_fleet_leaves_and_alone_to_its_own_limit() -> None:
    scheduler = FetchScheduler(per_host=4)
    assert scheduler.host(A).allowed == 4
    scheduler.share_hosts(ALONE, {"https://a.example:443": 1, "https://c.example:443": 2}, 0.0)
    assert scheduler.host(A).allowed == 1
    assert scheduler.host(B).allowed == 4
