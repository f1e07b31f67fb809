"""How a worker learns from PostgreSQL that a task was added: LISTEN, on its own connection.

Owns that connection and its reopening; leaves what to do then to `dispatcher.py`. A notification is
only a hint: what is missed (the connection was lost, or a pooler uses another one for each
transaction) is found by looking again each second.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import psycopg
from procrastinate.manager import JobManager
from sqlalchemy.exc import SQLAlchemyError

from packmule.engine.shared_transaction import SharedConnector, at_once
from packmule.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

_log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds after which a worker looks without a notification."""

_CONNECT_EVERY = 5.0


class PgListener:
    """Listens to all queues: those of new clients come and go."""

    interval = 0.02

    def __init__(self, engine: Engine, *, look_every: float) -> None:
        self._engine = engine
        self._look_every = look_every
        self._connection: psycopg.Connection[Any] | None = None
        self._connect_at = self._look_at = float("-inf")

    def changed(self) -> bool:
        """Return whether a task was added since the last call, or it is time to look anyway."""
        now = time.monotonic()
        told = self._hear(now)
        if told or now >= self._look_at:
            self._look_at = now + self._look_every
            return True
        return False

    def _hear(self, now: float) -> bool:
        """Read the notifications; a lost connection counts as one, and is opened again."""
        try:
            if self._connection is None:
                return now >= self._connect_at and self._listen(now)
            return bool(list(self._connection.notifies(timeout=0)))
        except (psycopg.Error, SQLAlchemyError, StorageFailed) as error:
            _log.warning("database notifications lost error=%s", type(error).__name__)
            self.close()
            return True

    def _listen(self, now: float) -> bool:
        self._connect_at = now + _CONNECT_EVERY
        pooled = self._engine.raw_connection()
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        pooled.detach()
        self._connection = connection
        connection.rollback()
        connection.autocommit = True
        jobs = JobManager(SharedConnector(connection))
        at_once(jobs.listen_for_jobs(on_notification=_pass))
        return True

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):  # it is lost already
                self._connection.close()
            self._connection = None


async def _pass(**_: object) -> None:
    """Do nothing: `PgListener` itself asks the connection."""


@contextmanager
def listening(engine: Engine, *, look_every: float = LOOK_EVERY) -> Iterator[PgListener]:
    """Listen until the end of the context."""
    notices = PgListener(engine, look_every=look_every)
    try:
        yield notices
    finally:
        notices.close()
