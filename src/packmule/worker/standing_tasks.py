"""Tasks that come back by themselves for ever, such as the clean-up, are there whatever happens.

Owns the thread and its rhythm: each worker looks once a minute. Whatever else has lost its task is
found by the clean-up; this is for what finds it. A database that is away is no reason to end.
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
_TRY_EVERY = 1.0
"""Seconds between two tries to put them in for the first time."""


@contextmanager
def standing(
    tasks: Sequence[Task], engine: Engine, transaction: Transaction, *, every: float = EVERY
) -> Iterator[None]:
    """See to it, until the end of the context, that there is one of each of these tasks."""
    ended = threading.Event()

    def put_in_all() -> bool:
        try:
            with transaction() as connection:
                for task in tasks:
                    engine.defer(connection, task)  # at the start they are due at once
        except PackmuleError as error:
            _log.debug("standing tasks not put in reason=%s", error)
            return False
        return True

    def look() -> None:
        while not (put_in_all() or ended.wait(_TRY_EVERY)):
            pass
        while not ended.wait(every):
            try:
                supply(engine, transaction, tasks)
            except PackmuleError as error:
                # The database is away: the next look is soon enough.
                _log.debug("standing tasks not looked at reason=%s", error)

    thread = threading.Thread(target=look, name="standing-tasks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
