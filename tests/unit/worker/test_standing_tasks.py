"""Tasks that come back for ever are there from the start on, and again where they were removed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.fakes.databases import migrated
from tests.fakes.waiting import eventually

from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Task
from packmule.errors import DatabaseAway
from packmule.jobs.database import writing
from packmule.worker.standing_tasks import standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

TASKS = (Task("expire", "all"), Task("clean", "messages"))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Engine]:
    engine = migrated(tmp_path / "packmule.db")
    yield engine
    engine.dispose()


def remove_all(db: Engine) -> None:
    with writing(db) as connection:
        connection.execute(text("DELETE FROM tasks"))


def test_a_standing_task_is_there_at_the_start_and_again_after_it_was_removed(db: Engine) -> None:
    queue = EmbeddedEngine(db)
    with standing(TASKS, queue, lambda: writing(db), every=0.01):
        eventually(lambda: queue.without_task(TASKS) == [])
        remove_all(db)
        eventually(lambda: queue.without_task(TASKS) == [])


def test_a_standing_task_that_waits_for_its_time_is_not_brought_forward(db: Engine) -> None:
    queue = EmbeddedEngine(db)
    with standing(TASKS, queue, lambda: writing(db), every=0.01):
        eventually(lambda: queue.without_task(TASKS) == [])
        with writing(db) as connection:
            connection.execute(text("UPDATE tasks SET due_at = due_at + 3600 WHERE kind = 'clean'"))
            connection.execute(text("DELETE FROM tasks WHERE kind = 'expire'"))
        eventually(lambda: queue.without_task(TASKS) == [])
        assert queue.to_do("messages")[0].due_in > 3000


def test_a_standing_task_is_put_in_when_a_database_that_was_away_is_back(db: Engine) -> None:
    queue = EmbeddedEngine(db)
    tries: list[int] = []

    @contextmanager
    def transaction() -> Iterator[Connection]:
        tries.append(len(tries))
        if len(tries) == 1:
            raise DatabaseAway("away")
        with writing(db) as connection:
            yield connection

    with standing(TASKS, queue, transaction):
        eventually(lambda: queue.without_task(TASKS) == [])
    assert len(tries) == 2
