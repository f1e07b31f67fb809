"""How a waiting worker learns that the database has changed, soon and almost for nothing.

SQLite tells each connection when another one, of this process or not, has committed: a number in
shared memory that costs microseconds to read (https://www.sqlite.org/pragma.html#pragma_data_version).
Elsewhere every look is a query, so looks are fewer.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPICursor


class ChangeWatch(Protocol):
    """Answers whether anything may have changed; `interval` is the seconds between questions."""

    interval: float

    def changed(self) -> bool:
        """Tell whether anything may have changed since the last time."""


class DataVersion:
    """Watches a SQLite database over a connection that is used for nothing else."""

    interval = 0.02

    def __init__(self, cursor: DBAPICursor) -> None:
        self._cursor = cursor
        self._seen: object = None

    def changed(self) -> bool:
        """Tell whether another connection has committed since the last time."""
        self._cursor.execute("PRAGMA data_version")
        seen = self._cursor.fetchall()
        changed = seen != self._seen
        self._seen = seen
        return changed


class Poll:
    """Says yes each time."""

    interval = 0.2

    def changed(self) -> bool:
        """Tell that it may have."""
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
