"""The table of transitions, and that reading it costs little."""

from __future__ import annotations

import subprocess
import sys

import pytest

from packmule.errors import UsageError
from packmule.jobs.model import TRANSITIONS, JobRequest, JobState, Source


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


LINK = Source(0, "https://example.org/")


@pytest.mark.parametrize("bad", ["a\0b", "\ud800", "x\udfff"])
@pytest.mark.parametrize("field", ["name", "webhook_url", "client", "idempotency_key"])
def test_a_text_that_no_database_can_keep_makes_no_request(field: str, bad: str) -> None:
    with pytest.raises(UsageError, match=r"NUL character|half a character"):
        JobRequest((LINK,), **{field: bad})  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["a\0b", "\ud800", "x\udfff"])
@pytest.mark.parametrize("source", [Source(1, "https://example.org/{}"), Source(1, LINK.url, "{}")])
def test_a_link_or_a_name_that_no_database_can_keep_makes_no_request(
    source: Source, bad: str
) -> None:
    name = None if source.name is None else bad
    with pytest.raises(UsageError, match=r"link 2 has"):
        JobRequest((LINK, Source(1, source.url.format(bad), name)))


def test_the_refusal_names_the_link_as_a_person_counts() -> None:
    with pytest.raises(UsageError, match="the name of link 1 has a NUL character in it"):
        JobRequest((Source(0, "https://example.org/", "a\0"),))


@pytest.mark.parametrize("module", ["packmule.jobs.model", "packmule.jobs.journal"])
def test_the_command_line_can_have_it_without_loading_a_database(module: str) -> None:
    program = f"import sys, {module}; print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("sqlalchemy", "alembic", "pydantic", "fastapi", "asyncio", "sqlite3"):
        assert f"'{heavy}'" not in loaded
