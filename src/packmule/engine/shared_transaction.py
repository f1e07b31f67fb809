"""Procrastinate on our own connection: what it does is part of our transaction.

Owns joining the two: its `JobManager` speaks to the database through a connector, and ours passes
every query to the one connection it was made for. Its methods are coroutines; on a connection that
blocks, none of them ever waits for another, so `at_once` runs one without an event loop. Leaves the
translation of the driver's errors to `translating_errors`, once for everything that goes this way.

The law: Procrastinate's reference (`JobManager`, `SyncPsycopgConnector`), and its page on external
connections: https://procrastinate.readthedocs.io/en/stable/howto/production/external_connection.html
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar, cast

import psycopg
from procrastinate import SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.manager import JobManager
from psycopg import sql
from sqlalchemy.exc import DBAPIError

from packmule.errors import DatabaseAway, StorageFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator

    from sqlalchemy import Connection

T = TypeVar("T")

_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)


class SharedConnector(SyncPsycopgConnector):
    """A connector over one open connection, which it neither opens, commits nor closes."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__()
        self._connection = connection

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a query for its effect; its values are such as the driver takes as they are."""
        with translating_errors():
            self._connection.execute(query, arguments)

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        """Run a query that answers with a row."""
        with translating_errors():
            return self.execute_query_one_with_connection(self._connection, query, **arguments)

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        """Run a query that answers with rows."""
        with translating_errors():
            return self.execute_query_all_with_connection(self._connection, query, **arguments)

    async def listen_notify(self, on_notification: object, channels: Iterable[str]) -> None:
        """Listen to these channels from now on; the connection's owner reads from it."""
        del on_notification
        with translating_errors():
            for channel in channels:
                self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


def driver_connection(connection: Connection) -> psycopg.Connection[Any]:
    """Return the driver's connection under an SQLAlchemy one: same session and transaction."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def manager_of(connection: Connection) -> JobManager:
    """Return Procrastinate's manager, working in the transaction of `connection`."""
    return JobManager(SharedConnector(driver_connection(connection)))


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits to its end."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    coroutine.close()
    raise RuntimeError("Procrastinate waited for something on a connection that blocks")


@contextmanager
def translating_errors() -> Iterator[None]:
    """Translate what the driver raised, with or without Procrastinate's wrapping.

    A row that is there already stays what it is: its caller knows what it means.
    """
    try:
        yield
    except UniqueViolation:
        raise
    except (ConnectorException, psycopg.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error.__cause__ or error
        if isinstance(cause, _AWAY):
            reason = " ".join(str(cause).split())
            raise DatabaseAway("The task queue cannot be reached for now.", reason) from error
        code = getattr(cause, "sqlstate", None)
        raise StorageFailed(f"The task queue refused (SQLSTATE {code}).") from error
