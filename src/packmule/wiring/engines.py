"""The engine that belongs to the job database, and where its workers show that they are alive.

Owns the choice by the database's kind: on one machine the embedded engine and a file, for a fleet
Procrastinate and the hearts that its workers beat in the database. What is for a fleet is imported
only there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from packmule.engine.embedded import EmbeddedEngine
from packmule.worker.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database

    from packmule.engine.interface import Engine
    from packmule.settings import Settings

    WorkerAge = Callable[[], float | None]
    CountWorkers = Callable[[], dict[str, int]]


def open_engine(
    database: Database, settings: Settings
) -> tuple[Engine, WorkerAge, CountWorkers | None]:
    """Return the engine over a database, and two functions that tell of its workers.

    The first says how long ago one was seen alive, the second how many are alive and dead; that is
    known in a fleet only.
    """
    if database.dialect.name != "postgresql":
        age = Heartbeat(settings.data_dir).age
        return EmbeddedEngine(database, steady=time.monotonic), age, None
    from packmule.engine.postgres import PostgresEngine  # noqa: PLC0415

    engine = PostgresEngine(database)
    return engine, engine.worker_age, engine.count_workers


def tables_of_the_engine(database: Database) -> Callable[[Connection], None] | None:
    """Return what makes the engine's own tables; None where the job store's migrations do."""
    if database.dialect.name != "postgresql":
        return None
    from packmule.engine.procrastinate_schema import prepare  # noqa: PLC0415

    return prepare
