"""docs/states.md is what the code says of a job's life, and that is what the law allows.

`UPDATE_DOCS=1 make test ARGS=tests/house` writes the document's part anew.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.house.generated import assert_holds

from packmule.jobs.model import TRANSITIONS, Compression, Job, JobState, OnError, Progress
from packmule.jobs.states import CHANGES, STATES, as_markdown
from packmule.jobs.store import JobStore
from packmule.web.documents import status_of

DOCUMENT = "docs/states.md"


def test_the_document_is_what_the_code_says() -> None:
    assert_holds(DOCUMENT, as_markdown(), suite="tests/house")


def test_every_change_the_law_allows_is_told_and_no_other() -> None:
    told = [(change.before, change.after) for change in CHANGES]
    assert sorted(told) == sorted(
        (before, after) for before, allowed in TRANSITIONS.items() for after in allowed
    )


def test_every_change_has_its_method_in_the_job_store() -> None:
    assert [change.method for change in CHANGES if not hasattr(JobStore, change.method)] == []


@pytest.mark.parametrize("state", JobState)
def test_every_state_is_told_with_the_word_of_the_api(state: JobState) -> None:
    job = Job(
        id=1,
        hash="0" * 32,
        state=state,
        attempt=1,
        created_at=datetime.now(UTC),
        name=None,
        on_error=OnError.FAIL,
        compression=Compression.AUTO,
        priority=0,
        client="",
        progress=Progress(),
    )
    assert STATES[state][0] == status_of(job, (), "http://packmule.example").status
