"""The clock by which a fleet's records live: the database's, so that machines need not agree.

Owns carrying it between two questions. What one worker writes (when an archive expires) another one
judges (whether it has): a machine whose clock is ahead would otherwise expire everybody's archives.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import text

from packmule.errors import DatabaseAway, StorageFailed
from packmule.jobs.database import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

ASK_EVERY = 60.0
"""Seconds after which the database is asked again; between, this machine counts the seconds."""

_NOW = text("SELECT extract(epoch FROM now())::float8")


class SharedClock:
    """Gives seconds since the epoch by PostgreSQL's clock, like `time.time`.

    While the database is away, its time is counted on; until it has been asked once, this machine's
    time holds. `steady` is a clock that nobody sets.
    """

    def __init__(self, database: Engine, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._steady = steady
        self._ahead: float | None = None  # of the steady clock
        self._ask_at = float("-inf")

    def __call__(self) -> float:
        """Return the time."""
        if self._steady() >= self._ask_at:
            self._ask()
        return time.time() if self._ahead is None else self._steady() + self._ahead

    def _ask(self) -> None:
        # Noted first: of many threads one asks, and a database that is away is left alone.
        self._ask_at = self._steady() + ASK_EVERY
        try:
            with reading(self._database) as connection:
                now: float = connection.execute(_NOW).scalar_one()
        except (DatabaseAway, StorageFailed):
            return
        self._ahead = now - self._steady()
