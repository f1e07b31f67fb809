"""Statements run for many rows at once: rows are tuples, so their order must be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.dialects import sqlite

from packmule.jobs import database
from packmule.jobs.bulk import Bulk
from packmule.jobs.schema import tasks

if TYPE_CHECKING:
    from sqlalchemy import Engine

NAMES = ("kind", "key", "priority", "due_at", "tries")
STATEMENT = insert(tasks).values({name: bindparam(name) for name in NAMES})


def test_each_row_is_written(db: Engine) -> None:
    rows = [("job", f"{n}", n, n / 2, 0) for n in range(100)]
    with database.writing(db) as connection:
        Bulk(STATEMENT, db.dialect, NAMES).run(connection, rows)
        found = connection.execute(select(*(tasks.c[name] for name in NAMES)).order_by(tasks.c.id))
        assert [tuple(row) for row in found] == rows


def test_no_rows_are_no_statement(db: Engine) -> None:
    with database.writing(db) as connection:
        Bulk(STATEMENT, db.dialect, NAMES).run(connection, [])
        assert connection.execute(select(tasks)).all() == []


@pytest.mark.parametrize(
    "names",
    [
        ("key", "kind", "priority", "due_at", "tries"),
        ("kind", "key", "priority", "due_at"),
        (*NAMES, "leased_by"),
    ],
)
def test_names_that_are_not_the_statements_in_its_order_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="statement"):
        Bulk(STATEMENT, sqlite.dialect(), names)
