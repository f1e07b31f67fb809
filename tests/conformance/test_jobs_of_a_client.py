"""A client's own jobs, page by page, the newest first, whatever becomes of them meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import RETENTION, in_state

from packmule.jobs.model import JobState

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from tests.fakes.clock import FakeClock

    from packmule.jobs.store import JobStore


def test_a_client_has_its_own_jobs_the_newest_first(store: JobStore, clock: FakeClock) -> None:
    mine = [in_state(store, state, client="ann") for state in JobState]
    in_state(store, JobState.COMPLETED, client="bob")
    page = store.of_client("ann", now=clock())
    assert [job.hash for job in page.jobs] == mine[::-1]
    assert page.cursor is None


def test_pages_join_without_gap_or_repetition(store: JobStore, clock: FakeClock) -> None:
    mine = [in_state(store, state, client="ann") for state in [*JobState, *JobState]]
    found: list[str] = []
    cursor = None
    while True:
        page = store.of_client("ann", now=clock(), before=cursor, limit=5)
        found += [job.hash for job in page.jobs]
        cursor = page.cursor
        if cursor is None:
            break
        in_state(store, JobState.QUEUED, client="ann")  # newer: it belongs to no later page
    assert found == mine[::-1]


@pytest.mark.parametrize("states", [{JobState.FAILED}, {JobState.QUEUED, JobState.RUNNING}])
def test_only_jobs_in_the_states_asked_for_are_listed(
    store: JobStore, clock: FakeClock, states: set[JobState]
) -> None:
    for state in JobState:
        in_state(store, state, client="ann")
    found = store.of_client("ann", now=clock(), states=states).jobs
    assert {job.state for job in found} == states
    assert len(found) == len(states)


def test_an_archive_whose_time_is_over_is_expired_before_it_is_removed(
    store: JobStore, clock: FakeClock
) -> None:
    removed = in_state(store, JobState.EXPIRED, client="ann")
    overdue = in_state(store, JobState.COMPLETED, client="ann")
    clock.advance(RETENTION)
    fresh = in_state(store, JobState.COMPLETED, client="ann")

    def listed(state: JobState) -> list[str]:
        return [job.hash for job in store.of_client("ann", now=clock(), states={state}).jobs]

    assert listed(JobState.EXPIRED) == [overdue, removed]
    assert listed(JobState.COMPLETED) == [fresh]


def test_the_database_has_the_index_for_it(db: Engine) -> None:
    with db.connect() as connection:
        indexes = db.dialect.get_indexes(connection, "jobs")
    assert [each["column_names"] for each in indexes if each["name"] == "jobs_by_client"] == [
        ["client", "state", "id"]
    ]
