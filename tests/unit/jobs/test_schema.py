"""The tables: the migrations make what `schema.py` says, and the indexes serve the questions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, create_mock_engine, event, text
from sqlalchemy.dialects import postgresql

from packmule.engine import queries as engine_queries
from packmule.jobs import database, file_queries, queries
from packmule.jobs.entries import EntryRows
from packmule.jobs.schema import metadata
from packmule.webhook import queries as webhook_queries

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect, Engine
    from sqlalchemy.sql import Executable

POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def definitions(connection: Connection) -> dict[str, list[str]]:
    """Give the SQL that made each table and index of ours, however it was laid out.

    As sorted parts: a column that a later migration adds stands behind the others.
    """
    rows = connection.execute(
        text(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL "
            "AND name NOT LIKE 'sqlite_%' AND name <> 'alembic_version'"
        )
    )
    return {
        name: sorted(part.strip() for part in re.split(r",(?![^(]*\))", " ".join(sql.split())))
        for name, sql in (
            (name, re.sub(r"\s*\)([^)]*)$", r",\1", sql, count=1)) for name, sql in rows
        )
    }


def test_the_migrations_make_the_very_tables_of_the_schema(db: Engine) -> None:
    fresh = create_engine("sqlite://")
    metadata.create_all(fresh)
    with database.reading(db) as migrated, fresh.connect() as made:
        assert definitions(migrated) == definitions(made)
    fresh.dispose()


def test_alembic_finds_no_difference_either(db: Engine) -> None:
    options = {
        "compare_type": True,
        "compare_server_default": True,
        # SQLite does not tell in which direction an index runs; the test above compares it.
        "include_object": lambda _object, name, *_: name != "tasks_in_order",
    }
    with database.reading(db) as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_the_tables_can_be_made_on_postgresql() -> None:
    made: list[str] = []

    def note(statement: Any, *_: object) -> None:
        made.append(str(statement.compile(dialect=POSTGRESQL)))

    metadata.create_all(create_mock_engine("postgresql://", note), checkfirst=False)
    tables = [sql for sql in made if "CREATE TABLE" in sql]
    assert len(tables) == len(metadata.tables)
    assert "id BIGSERIAL" in "".join(tables)


def test_the_bulk_statements_can_be_made_for_postgresql() -> None:
    EntryRows(POSTGRESQL)  # refuses parameters that do not agree with the statement


PARAMETERS: dict[str, object] = {
    "of_hash": "0" * 32,
    "of_job": 1,
    "after": -1,
    "most": 10,
    "now": 0.0,
    "of_client": "",
    "of_key": "k",
    "kind": "job",
    "mine": [1, 2],
    "worker": "w",
    "of_name": "msg_0",
    "of_state": "waiting",
    "before": 1,
    "until": 0.0,
    "after_version": 1,
    "after_position": -1,
    "up_to": 2,
    "client": "",
    "priority": 0,
    "groups": 2,
}

INDEXED = {
    "a job by its hash": (queries.JOB, ["sqlite_autoindex_jobs_1 (hash=?)"]),
    "a version": (queries.VERSION, ["sqlite_autoindex_jobs_1 (hash=?)"]),
    "an earlier job of a key": (queries.EARLIER_JOB, ["(client=? AND idempotency_key=?)"]),
    "a client's open jobs": (queries.OPEN_JOBS, ["jobs_by_client (client=? AND state=?)"]),
    "what a client holds": (queries.HELD_BYTES, ["jobs_by_client (client=? AND state=?)"]),
    "jobs due for expiry": (queries.DUE_FOR_EXPIRY, ["jobs_by_expiry"]),
    **{
        f"jobs that are {state}": (statement, [f"COVERING INDEX jobs_{state}"])
        for state, statement in queries.COUNTS.items()
    },
    **{
        f"a client's jobs{which}": (statement, ["jobs_by_client (client=? AND state=? AND id<?)"])
        for which, statement in (
            ("", queries.OF_CLIENT),
            (", overdue", queries.OF_CLIENT_OVERDUE),
            (", in time", queries.OF_CLIENT_IN_TIME),
        )
    },
    "failures": (file_queries.FILES_FAILED, ["COVERING INDEX files_failed"]),
    "files that changed": (
        file_queries.FILES_CHANGED,
        ["files_changed (job_id=? AND (version,position)>(?,?)"],
    ),
    "a page of files": (file_queries.FILES, ["PRIMARY KEY"]),
    "due tasks": (engine_queries.FIND_DUE, ["tasks_in_turn", "tasks_leased"]),
    "tasks in work": (engine_queries.LEASED, ["tasks_by_expiry"]),
    "the next task": (engine_queries.NEXT_DUE, ["tasks_by_due"]),
    "the oldest task": (engine_queries.OLDEST_DUE, ["tasks_by_due"]),
    "the next lease to run out": (engine_queries.NEXT_EXPIRY, ["tasks_by_expiry"]),
    "the oldest lease that ran out": (engine_queries.OLDEST_EXPIRY, ["tasks_by_expiry"]),
    "workers": (engine_queries.OTHER_WORKERS, ["tasks_by_expiry"]),
    "a message": (webhook_queries.MESSAGE, ["sqlite_autoindex_messages_1 (name=?)"]),
    "a job's messages": (webhook_queries.NEWEST_OF_JOB, ["messages_of_job"]),
    "messages in a state": (
        webhook_queries.NEWEST.where(webhook_queries.IN_STATE),
        ["messages_in_state"],
    ),
    "messages of long ago": (webhook_queries.LONG_OVER, ["messages_by_end"]),
}


def plan_of(connection: Connection, question: Executable) -> list[str]:
    """Ask SQLite how it would answer, step by step."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, sql: str, values: Any, *_: object) -> None:
        asked.append((sql, values))

    event.listen(connection, "before_cursor_execute", note)
    connection.execute(question, PARAMETERS)
    event.remove(connection, "before_cursor_execute", note)
    sql, values = asked[-1]
    return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]


@pytest.mark.parametrize(("question", "indexes"), INDEXED.values(), ids=INDEXED.keys())
def test_a_question_is_answered_from_an_index_without_sorting(
    db: Engine, question: Executable, indexes: list[str]
) -> None:
    with database.reading(db) as connection:
        steps = plan_of(connection, question)
    assert [step for step in steps if "TEMP B-TREE" in step] == []
    for index in indexes:
        assert any(index in step for step in steps), steps
