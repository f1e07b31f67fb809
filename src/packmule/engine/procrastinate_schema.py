"""Procrastinate's tables, brought to the version of the library that is installed.

Owns which of its migrations a database has seen, noted in a table of ours, since Procrastinate
leaves that to its user: https://procrastinate.readthedocs.io/en/stable/howto/production/migrations.html
Its files are run in the order of their names. Those for after an upgrade ("post") break programs
of the version before, so they wait until a day has passed since those for before it ("pre"): by
then an upgrade is rolled out. A program that does not know a "pre" file works all the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from packmule.engine.pg_registration import MAKE_TABLE
from packmule.engine.shared_transaction import driver_connection, translating_errors
from packmule.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MAKE_NOTES = text("""
    CREATE TABLE IF NOT EXISTS packmule_queue_migrations (
        name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
""")
_NOTED = text("SELECT name FROM packmule_queue_migrations")
_NOTE = text("INSERT INTO packmule_queue_migrations (name) VALUES (:name)")
_IS_SETTLED = text("""
    SELECT max(applied_at) < now() - interval '1 day' FROM packmule_queue_migrations
""")
_PRE, _POST = "_pre_", "_post_"
# What is due next and what has waited longest is asked for every second; no index of theirs serves.
_MAKE_INDEX = text("""
    CREATE INDEX IF NOT EXISTS packmule_tasks_due ON procrastinate_jobs (scheduled_at)
    WHERE status = 'todo'
""")
_IS_THERE = text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")


def prepare(connection: Connection) -> None:
    """Make Procrastinate's tables, or migrate them, in the transaction of `connection`.

    Whoever calls sees to it that nobody else does so at the same time. Raises UsageError where they
    are of a newer version than this program's, or are another program's.
    """
    files = {path.name: path for path in sorted(_folder().glob("*.sql"))}
    connection.execute(_MAKE_NOTES)
    connection.execute(MAKE_TABLE)
    noted = set(connection.scalars(_NOTED))
    newer = sorted(name for name in noted - set(files) if _PRE not in name)
    if newer:
        raise UsageError(
            f"The task queue's tables are newer than this program: {newer[-1]} is not known to it. "
            "Start the newer Packmule again, or restore the backup made before its upgrade."
        )
    if not noted:
        if connection.execute(_IS_THERE).scalar_one():
            raise UsageError(
                "The database holds Procrastinate's tables of another program; give Packmule a "
                "database of its own."
            )
        _run(connection, SchemaManager.get_schema())
    missing = sorted(set(files) - noted)
    for name in _due(connection, missing) if noted else missing:
        if noted:
            _run(connection, files[name].read_text(encoding="utf-8"))
        connection.execute(_NOTE, {"name": name})
    connection.execute(_MAKE_INDEX)


def _due(connection: Connection, missing: list[str]) -> list[str]:
    """Return which files are to be run now: none for after the upgrade that is just begun."""
    before = [name for name in missing if _POST not in name]
    if not before and connection.execute(_IS_SETTLED).scalar_one():
        return missing
    return [name for name in missing if name <= max(before, default="")]


def _folder() -> Path:
    return Path(SchemaManager.get_migrations_path())


def _run(connection: Connection, script: str) -> None:
    """Run a file of many statements; without parameters the driver sends it as it is."""
    with translating_errors():
        driver_connection(connection).execute(psycopg.sql.SQL(script))
