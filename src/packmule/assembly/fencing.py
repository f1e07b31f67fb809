"""Whether the runs of this worker still hold their jobs: a cancel is heard of within a second.

So is the wish that a job be completed now, with what is packed.

Owns the rhythm of asking: one question to the store for all runs together, four times a second,
and none while nothing runs. It only makes a run end early. That a run which has lost its job can do
no harm is not its business: the job store refuses what such a run writes.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packmule.errors import StaleAttempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packmule.jobs.model import Fence, Run

_log = logging.getLogger(__name__)

LOOK_EVERY = 0.25


def scratch_size(scratch: Path) -> int:
    """Return the length of a claimed scratch file in bytes. Raises StaleAttempt."""
    try:
        return scratch.stat().st_size
    except FileNotFoundError as error:
        # Cancelled, or overtaken, since it was claimed.
        raise StaleAttempt("The scratch was removed, or taken over by another run.") from error


@dataclass(eq=False, slots=True)
class WatchedRun:
    """A run that is watched; `wake` has it look whether there is news.

    `finish` is set once its archive is to be completed with what is packed.
    """

    fence: Fence
    wake: Callable[[], None]
    is_lost: bool = False
    finish: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise StaleAttempt where the job is this run's no longer."""
        if self.is_lost:
            raise StaleAttempt("This job was cancelled, or taken over by another run.")

    def hear(self, held: Mapping[Fence, bool]) -> None:
        """Take in which runs hold their jobs, and whether each is to finish; wake it at news."""
        finishes = held.get(self.fence)
        if finishes is None:
            self.is_lost = True
        elif finishes and not self.finish.is_set():
            self.finish.set()
        else:
            return
        self.wake()


class CancellationWatcher:
    """Watches runs.

    `still_held` returns those of some runs that still hold their jobs, and whether each is to
    finish.
    """

    def __init__(
        self,
        still_held: Callable[[Sequence[Fence]], Mapping[Fence, bool]],
        *,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._still_held = still_held
        self._look_every = look_every
        self._held: set[WatchedRun] = set()
        self._lock = threading.Lock()
        self._is_looking = False

    @contextmanager
    def watched(self, run: Run, wake: Callable[[], None]) -> Iterator[WatchedRun]:
        """Watch a run until the end of the context: its `check` raises once it is lost.

        `wake` is called, in another thread, when that has happened, or its job is to finish.
        """
        held = WatchedRun(run.fence, wake)
        if run.job.finishing:
            held.finish.set()
        with self._lock:
            self._held.add(held)
            if not self._is_looking:
                self._start()
        try:
            yield held
        finally:
            with self._lock:
                self._held.discard(held)

    def _start(self) -> None:
        """Start the thread that asks; without one, runs end later, but as surely."""
        try:
            threading.Thread(target=self._look, name="cancellations", daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            _log.warning("cancellation thread refused reason=%s", error)
        else:
            self._is_looking = True

    def _look(self) -> None:
        """Ask again and again, until there is nothing to ask about."""
        while True:
            time.sleep(self._look_every)
            with self._lock:
                held = [each for each in self._held if not each.is_lost]
                if not self._held:
                    self._is_looking = False
                    return
            try:
                now = self._still_held([each.fence for each in held])
                for each in held:
                    each.hear(now)
            except Exception as error:  # noqa: BLE001 - no other thread would look again
                # Who writes to the store will find out what that means; here it only is later.
                _log.debug("cancellation check failed reason=%s", error)
