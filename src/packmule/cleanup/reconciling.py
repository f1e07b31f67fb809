"""What is to be done has a task, whatever became of the one it had.

The rows of jobs and messages are the truth, and a task is only what wakes a worker. A tool of the
queue, an operator or a restored backup may have removed a task; so each minute everything that is
to be done is looked at, and gets a task where there is none. Owns the comparison and its rhythm.
What is to be done is listed by those who own it; a task of something that is over ends by itself
when it is run.
"""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, NamedTuple

from packmule.engine.interface import Later, Task
from packmule.engine.missing_tasks import supply
from packmule.telemetry.metrics import TASKS_RESTORED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from packmule.engine.interface import Engine
    from packmule.engine.missing_tasks import Transaction

    # Lists what is to be done, by the numbers of the rows: those behind one, so many at most.
    Source = Callable[[int, int], Sequence["ToBeDone"]]

_log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks."""

_AT_ONCE = 500


class ToBeDone(NamedTuple):
    """Something that must have a task; `id` is the number of its row."""

    id: int
    task: Task


class Reconciler:
    """Gives tasks to what has none; a part of the task `expire`."""

    def __init__(self, sources: Sequence[Source], engine: Engine, transaction: Transaction) -> None:
        self._sources = sources
        self._engine = engine
        self._transaction = transaction
        self._due_at = -math.inf

    def sweep(self, _key: str, stop: Event) -> Later:
        """Look for missing tasks where a look is due, and look again after a pause."""
        now = time.monotonic()
        if now < self._due_at:
            return Later(self._due_at - now)
        self._due_at = now + EVERY
        for source in self._sources:
            after = -1
            while found := source(after, _AT_ONCE):
                if stop.is_set():
                    return Later(0.0)
                self._supply([each.task for each in found])
                after = found[-1].id
        return Later(EVERY)

    def _supply(self, wanted: Sequence[Task]) -> None:
        missing = supply(self._engine, self._transaction, wanted)
        if missing:
            TASKS_RESTORED.inc(by=len(missing))
            _log.warning("tasks restored kind=%s number=%d", missing[0].kind, len(missing))
