"""Tasks that must exist, put in where they are gone.

Owns finding out and putting in; leaves what must exist to those who ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from packmule.engine.interface import Engine, Task

    Transaction = Callable[[], AbstractContextManager[Connection]]


def supply(engine: Engine, transaction: Transaction, tasks: Sequence[Task]) -> list[Task]:
    """Put in, and return, those of the tasks that are not there. Raises StorageFailed.

    What is over since the tasks were listed gets a task in vain, which ends at once.
    """
    missing = engine.without_task(tasks)
    if missing:
        with transaction() as connection:
            for task in missing:
                engine.defer(connection, task)
    return missing
