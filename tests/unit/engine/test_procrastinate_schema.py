"""Procrastinate's tables: made once, migrated by its own files, refused where not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from packmule.engine import procrastinate_queries as queries
from packmule.engine.procrastinate_schema import prepare
from packmule.errors import UsageError
from packmule.jobs import database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

# What the last migration makes anew.
RETRIED = "procrastinate_trigger_function_status_events_update_v1"
NOTED = text("SELECT name FROM packmule_queue_migrations ORDER BY name")


@pytest.fixture
def db(postgres_url: str) -> Iterator[Engine]:
    engine = database.connect(postgres_url)
    yield engine
    engine.dispose()


def noted(db: Engine) -> list[str]:
    with database.reading(db) as connection:
        return list(connection.scalars(NOTED))


def again(db: Engine) -> None:
    with database.writing(db) as connection:
        prepare(connection)


def test_made_once_all_its_migrations_count_as_made(db: Engine) -> None:
    again(db)
    names = noted(db)
    assert "03.00.00_01_pre_cancel_notification.sql" in names
    again(db)
    assert noted(db) == names


def test_a_database_of_an_earlier_version_gets_what_is_missing(db: Engine) -> None:
    again(db)
    last = noted(db)[-1]
    with database.writing(db) as connection:
        connection.execute(
            text("DELETE FROM packmule_queue_migrations WHERE name = :n"), {"n": last}
        )
        connection.execute(text(f"DROP FUNCTION {RETRIED} CASCADE"))
    assert "_post_" in last
    again(db)
    assert noted(db)[-1] != last, "programs of the version before may still run"
    with database.writing(db) as connection:
        day = text("UPDATE packmule_queue_migrations SET applied_at = now() - interval '25 hours'")
        connection.execute(day)
    again(db)
    assert noted(db)[-1] == last
    with database.reading(db) as connection:
        assert connection.execute(text(f"SELECT to_regproc('{RETRIED}')")).scalar_one()


def test_tables_of_a_newer_version_are_refused_and_left_alone(db: Engine) -> None:
    again(db)
    with database.writing(db) as connection:
        connection.execute(
            text("INSERT INTO packmule_queue_migrations VALUES ('99.00.00_01_x.sql')")
        )
    with pytest.raises(UsageError, match=r"99\.00\.00_01_x\.sql is not known"):
        again(db)


def test_procrastinates_tables_of_another_program_are_refused(db: Engine) -> None:
    again(db)
    with database.writing(db) as connection:
        connection.execute(text("DROP TABLE packmule_queue_migrations"))
    with pytest.raises(UsageError, match="of another program"):
        again(db)


def test_a_file_for_before_an_upgrade_that_is_not_known_is_no_obstacle(db: Engine) -> None:
    again(db)
    note = text("INSERT INTO packmule_queue_migrations VALUES (:name)")
    with database.writing(db) as connection:
        connection.execute(note, {"name": "99.00.00_01_pre_x.sql"})
    again(db)
    with database.writing(db) as connection:
        connection.execute(note, {"name": "99.00.00_50_post_x.sql"})
    with pytest.raises(UsageError, match=r"99\.00\.00_50_post_x\.sql is not known"):
        again(db)


def test_a_file_for_before_an_upgrade_is_run_at_once(db: Engine) -> None:
    again(db)
    name = "03.03.00_01_pre_priority_lock_fetch_job.sql"
    with database.writing(db) as connection:
        forget = text("DELETE FROM packmule_queue_migrations WHERE name = :name")
        connection.execute(forget, {"name": name})
    again(db)
    assert name in noted(db)


@pytest.mark.parametrize("question", ["NEXT_DUE", "OLDEST_DUE"])
def test_what_is_asked_all_the_time_is_answered_by_an_index(db: Engine, question: str) -> None:
    again(db)
    values = {"kinds": ["build"]} if question == "NEXT_DUE" else {}
    asked = getattr(queries, question)
    with database.writing(db) as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = text(f"EXPLAIN {asked.text}").bindparams(*asked._bindparams.values())
        plan = "\n".join(connection.scalars(explain, values))
    assert "packmule_tasks_due" in plan, plan
    assert "Sort" not in plan, plan
