"""Tasks that come back by themselves for ever, such as the clean-up, are there whatever happens.

Owns the thread and its rhythm: each worker looks once a minute. Whatever else has lost its task is
found by the clean-up; this is for what finds it.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from packmule.engine.missing_tasks import supply
from packmule.errors import PackmuleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packmule.engine.interface import Engine, Task
    from packmule.engine.missing_tasks import Transaction

_log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks."""


@contextmanager
def standing(
    tasks: Sequence[Task], engine: Engine, transaction: Transaction, *, every: float = EVERY
) -> Iterator[None]:
    """See to it, until the end of the context, that there is one of each of these tasks."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(every):
            try:
                supply(engine, transaction, tasks)
            except PackmuleError as error:
                # The database is away: the next look is soon enough.
                _log.debug("standing tasks not looked at reason=%s", error)

    with transaction() as connection:
        for task in tasks:
            engine.defer(connection, task)  # at the start they are due at once
    thread = threading.Thread(target=look, name="standing-tasks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
