"""Many rows with one statement: the statements a job of 10,000 files runs 10,000 times at once.

Owns speed only. SQLAlchemy's own executemany costs two thirds of the time in making each row's
parameters; here its statement is compiled once for the database, and the rows go to the driver as
they are (`exec_driver_sql`), which the driver prepares once.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Dialect
    from sqlalchemy.sql import Insert, Update


_ROWS_AT_ONCE = 10_000
"""Rows that are in memory as parameters at a time, some 10 MB with long links."""


class Bulk:
    """One INSERT or UPDATE whose parameters are `names`, run for many rows at once.

    A row is a tuple of values in the order of `names`; a value must be one the driver takes as it
    is (an int, a float, a str, None): no type of SQLAlchemy looks at it.
    """

    def __init__(self, statement: Insert | Update, dialect: Dialect, names: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect)
        if set(compiled.params) != set(names):
            difference = ", ".join(sorted(set(compiled.params) ^ set(names)))
            raise ValueError(f"the statement and its parameters do not agree on: {difference}")
        self._sql = str(compiled)
        self._names = tuple(names)
        self._positional = compiled.positional
        if compiled.positiontup is not None and tuple(compiled.positiontup) != self._names:
            raise ValueError(f"the statement takes them in this order: {compiled.positiontup}")

    def run(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run the statement once for each row; no row, no statement."""
        coming = iter(rows)
        while some := list(islice(coming, _ROWS_AT_ONCE)):
            if self._positional:
                connection.exec_driver_sql(self._sql, some)
            else:
                names = self._names
                connection.exec_driver_sql(
                    self._sql, [dict(zip(names, row, strict=True)) for row in some]
                )
