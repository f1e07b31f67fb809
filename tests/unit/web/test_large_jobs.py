"""A job of a hundred thousand files can be created, and its status costs no more than another."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from tests.fakes.jobs import FAILURE, PUBLISHED, begun, checkpoint, done, failed, opened

from packmule.jobs import database
from packmule.jobs.model import Checkpoint, Progress
from packmule.web.bounds import RequestBounds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine
    from tests.unit.web.conftest import App

MANY = 100_000


@contextmanager
def noted(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Note the statements that read tables, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(*args: Any) -> None:
        _connection, _cursor, statement, parameters, *_ = args
        if statement.startswith("SELECT"):
            found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plans(engine: Engine, statements: list[tuple[str, Any]]) -> list[str]:
    """Give how the database goes about each statement, a line a step."""
    with database.reading(engine) as connection:
        return [
            row.detail
            for statement, parameters in statements
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


def reads_of(app: App, hash_: str) -> list[str]:
    """Ask for a status, and give how the database went about it."""
    engine = app.services.store._engine
    with noted(engine) as statements:
        assert app.ask("GET", f"/api/archive/status/{hash_}").status_code == 200
    return plans(engine, statements)


@pytest.fixture
def large(app: App) -> str:
    """Create a job of many files over HTTP, and give its hash."""
    app.change(bounds=RequestBounds(max_urls=MANY, max_body_bytes=MANY * 100))
    urls = [f"https://origin.example/{number}.jpg" for number in range(MANY)]
    answer = app.ask("POST", "/api/archive/create", json={"urls": urls})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["archive_hash"])


def test_a_status_is_one_read_by_the_hash_however_many_files_there_are(
    app: App, large: str
) -> None:
    (step,) = reads_of(app, large)
    assert step.startswith("SEARCH jobs USING INDEX")
    assert "(hash=?)" in step
    found = app.ask("GET", f"/api/archive/status/{large}").json()
    assert found["progress"]["files"]["total"] == MANY
    run = app.services.store.begin(large)
    assert run is not None
    assert len(run.sources) == MANY
    app.services.store.checkpoint(run.fence, checkpoint(done(), opened()))
    assert len(reads_of(app, large)) == 1
    page = app.ask("GET", f"/api/archive/files/{large}", params={"cursor": str(MANY - 11)}).json()
    assert [file["position"] for file in page["files"]] == list(range(MANY - 10, MANY))
    # Of one that failed, the files that failed are read as well, by an index of their own.
    rest = Checkpoint(7, Progress(MANY, MANY - 1, 1), failed=(failed(MANY - 1),))
    app.services.store.fail(run.fence, FAILURE, rest)
    steps = reads_of(app, large)
    assert any("COVERING INDEX files_failed" in step for step in steps[1:])
    assert [step for step in steps if "SCAN" in step] == []


def test_what_is_asked_again_and_again_is_found_by_an_index(app: App) -> None:
    store = app.services.store
    run = begun(store)
    other = begun(store)
    store.complete(other.fence, PUBLISHED, checkpoint(done()))
    with noted(store._engine) as statements:
        assert run.job.hash in store.find_versions([run.job.hash, "0" * 32])
        assert store.still_held([run.fence]) == {run.fence: False}
        assert [job.id for job in store.oldest_completed(-1)] == [other.job.id]
    steps = plans(store._engine, statements)
    assert len(steps) == 3
    assert all(step.startswith("SEARCH jobs") for step in steps), steps
