"""How an idle worker notices that the database has changed, soon and at almost no cost.

SQLite tells each connection when another one, of this process or not, has committed: a number in
shared memory that costs microseconds to read (https://www.sqlite.org/pragma.html#pragma_data_version).
Elsewhere each check is a query, so there are fewer of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPICursor


class ChangeWatch(Protocol):
    """Knows whether anything may have changed; `interval` is the seconds between two calls."""

    interval: float

    def changed(self) -> bool:
        """Return whether anything may have changed since the last call."""


class DataVersion:
    """Watches a SQLite database over a connection that is used for nothing else."""

    interval = 0.02

    def __init__(self, cursor: DBAPICursor) -> None:
        self._cursor = cursor
        self._seen: object = None

    def changed(self) -> bool:
        """Return whether another connection has committed since the last call."""
        self._cursor.execute("PRAGMA data_version")
        seen = self._cursor.fetchall()
        changed = seen != self._seen
        self._seen = seen
        return changed


class Poll:
    """Reports a change at each call."""

    interval = 0.2

    def changed(self) -> bool:
        """Return True: it may have changed."""
        return True


@contextmanager
def watching(engine: Engine) -> Iterator[ChangeWatch]:
    """Watch the database as well as it allows."""
    if engine.dialect.name != "sqlite":
        yield Poll()
        return
    connection = engine.raw_connection()
    try:
        yield DataVersion(connection.cursor())
    finally:
        connection.close()
