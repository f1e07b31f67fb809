"""Carrying all jobs from one database to another, as a new home for them.

Owns the copying of the rows, the looking whether the old home is at rest and the new one empty, and
the counting afterwards. Leaves the tasks to `wiring/moving.py`, which knows the engines: they come
true in the same transaction, so that the new database holds all or nothing, however it ends. The
old one is never written.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, func, select, text

from packmule.errors import StorageFailed, UsageError
from packmule.jobs.schema import host_claims, metadata, orphans, schema_revisions, tasks
from packmule.jobs.storable_text import storable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine, Row, Table

BATCH = 2_000
"""Rows that are held in memory at once."""

# Seconds in which a program that is just ending may let go of the file.
_REST_SECONDS = 2.0


def require_at_rest(engine: Engine) -> None:
    """Raise UsageError where any program has the SQLite database open; it would go on with it.

    In WAL mode a connection holds a shared lock on the file as long as it is open
    (https://www.sqlite.org/wal.html, "Use of WAL without shared memory"): who asks for all of it is
    refused.
    """
    path = str(engine.url.database)
    connection = sqlite3.connect(path, timeout=_REST_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise StorageFailed(f"The job database {path} cannot be read ({error}).") from error
        raise UsageError(
            f"A program has the job database {path} open: stop the service first, and all its "
            "workers."
        ) from error
    finally:
        connection.close()


def require_empty(connection: Connection) -> None:
    """Raise UsageError where there is a job in the new database already."""
    for table in _carried():
        if count(connection, table):
            raise UsageError(
                f"The new database is not empty: there are rows in its table `{table.name}`. Jobs "
                "are carried into an empty one only, and what is there stays as it is."
            )


def copy_jobs(old: Connection, new: Connection) -> dict[str, int]:
    """Copy all rows but the tasks, and tell how many of each table. Raises StorageFailed."""
    copied = {}
    for table in _carried():
        for rows in _batches(old, table):
            new.execute(table.insert(), [_kept(row) for row in rows])
        _count_on(new, table)
        copied[table.name] = count(old, table)
        arrived = count(new, table)
        if arrived != copied[table.name]:
            raise StorageFailed(
                f"Of {copied[table.name]} rows of `{table.name}` {arrived} have arrived; nothing "
                "is kept in the new database."
            )
    return copied


def waiting_tasks(old: Connection) -> Iterator[Row[Any]]:
    """Yield the rows of the tasks; one that was in work starts over like one that waits."""
    for rows in _batches(old, tasks):
        yield from rows


def count(connection: Connection, table: Table) -> int:
    """Count the rows of a table."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _kept(row: Row[Any]) -> dict[str, Any]:
    """Return a row's values; in jobs of earlier versions a name may hold what is refused now."""
    values = row._asdict()
    return {k: storable(v) if isinstance(v, str) else v for k, v in values.items()}


def _carried() -> list[Table]:
    """List the tables, each behind those that it refers to.

    Claims are void when their workers have ended; the new database knows its own revisions, and
    finds orphans by itself.
    """
    left = {tasks, host_claims, orphans, schema_revisions}
    return [table for table in metadata.sorted_tables if table not in left]


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    statement = select(table).order_by(*table.primary_key.columns)
    found = connection.execution_options(yield_per=BATCH).execute(statement)
    yield from found.partitions()


def _count_on(connection: Connection, table: Table) -> None:
    """Make PostgreSQL number new rows behind those that have come with a number."""
    (key, *others) = table.primary_key.columns
    if others or not isinstance(key.type, Integer) or key.autoincrement is False:
        return
    connection.execute(
        text(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), max({key.name}))"  # noqa: S608
            f" FROM {table.name} HAVING max({key.name}) IS NOT NULL"
        )
    )
