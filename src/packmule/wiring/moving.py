"""Carrying a service from one machine's database to a fleet's: the jobs, and the tasks for them.

Owns the order: the old database is at rest and of this version, the new one migrated and empty;
then everything is carried in one transaction. What is in storage stays where it is.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from packmule.engine.interface import Task
from packmule.engine.postgres import PostgresEngine
from packmule.errors import UsageError
from packmule.jobs.database import connect, writing
from packmule.jobs.moving import copy_jobs, require_at_rest, require_empty, waiting_tasks
from packmule.jobs.upgrading import require_current, upgrade
from packmule.wiring.engines import tables_of_the_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


def move(old_url: str, new_url: str) -> dict[str, int]:
    """Carry everything, and tell how many rows of each kind. Raises UsageError, StorageFailed."""
    _refuse_other_kinds(old_url, new_url)
    with _opened(old_url) as old, _opened(new_url) as new:
        require_at_rest(old)
        require_current(old)
        upgrade(new, in_same_transaction=tables_of_the_engine(new))
        # A writer's transaction, though it only reads: nobody else writes meanwhile.
        with writing(old) as source, writing(new) as target:
            require_empty(target)
            return copy_jobs(source, target) | {"tasks": _put_in(source, target, new)}


def _put_in(source: Connection, target: Connection, new: Engine) -> int:
    """Put the tasks into the new engine's queue, in the transaction of the rows."""
    engine, now, number = PostgresEngine(new), time.time(), 0
    for row in waiting_tasks(source):
        delay = max(0.0, row.due_at - now)
        engine.defer(target, Task(row.kind, row.key, row.priority, delay, row.client))
        number += 1
    return number


def _refuse_other_kinds(old_url: str, new_url: str) -> None:
    try:
        old, new = make_url(old_url), make_url(new_url)
    except ArgumentError as error:
        raise UsageError(
            "A database's URL is not understood; they look like sqlite:///path/to/packmule.db and "
            "postgresql://user:password@host/name."
        ) from error
    if (old.get_backend_name(), new.get_backend_name()) != ("sqlite", "postgresql"):
        raise UsageError("Jobs are carried from sqlite:///… to postgresql://… only.")
    if not Path(old.database or "").is_file():
        raise UsageError(f"There is no job database {old.database}.")


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = connect(url)
    try:
        yield engine
    finally:
        engine.dispose()
