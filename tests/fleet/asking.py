"""What the fleet's database says, asked past the program: plain SQL on a connection of our own.

Owns waiting for a database that is away, which is no fault here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from typing import LiteralString

PATIENCE = 60.0


class Asking:
    """Asks one database; not for two threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None

    def rows(self, query: LiteralString, *values: object) -> list[Any]:
        """Give the rows of an answer, as soon as there is one."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if self._connection is None:
                    self._connection = psycopg.connect(
                        self._url, autocommit=True, connect_timeout=5
                    )
                return self._connection.execute(query, values or None).fetchall()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the database stays away"
                self.close()
                time.sleep(0.05)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
