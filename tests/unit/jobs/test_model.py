"""The table of transitions, and that reading it costs little."""

from __future__ import annotations

import subprocess
import sys

import pytest

from packmule.jobs.model import TRANSITIONS, JobState


def reachable(start: JobState) -> set[JobState]:
    """Walk the table from a state."""
    found, ahead = {start}, [start]
    while ahead:
        for state in TRANSITIONS[ahead.pop()] - found:
            found.add(state)
            ahead.append(state)
    return found


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(JobState) == reachable(JobState.QUEUED)


@pytest.mark.parametrize("state", JobState)
def test_every_job_can_come_to_its_end(state: JobState) -> None:
    assert JobState.EXPIRED in reachable(state)


def test_an_end_is_for_good() -> None:
    assert TRANSITIONS[JobState.EXPIRED] == frozenset()
    assert JobState.RUNNING not in reachable(JobState.COMPLETED)
    assert JobState.RUNNING not in reachable(JobState.CANCELLED)


@pytest.mark.parametrize("module", ["packmule.jobs.model", "packmule.jobs.journal"])
def test_the_command_line_can_have_it_without_loading_a_database(module: str) -> None:
    program = f"import sys, {module}; print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("sqlalchemy", "alembic", "pydantic", "fastapi", "asyncio", "sqlite3"):
        assert f"'{heavy}'" not in loaded
