"""Work that stops before each of its steps, so that a test decides what happens in between.

Owns the handing over between the test and the threads in which the work is done: one of them runs
at a time, so whatever a test finds can be found again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_running: dict[int, Frozen] = {}


class Killed(BaseException):
    """The process ends here: nothing that it was about to do is done."""


class Frozen:
    """A piece of work, frozen before its next step."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.is_over = False
        self.error: BaseException | None = None
        self._work = work
        self._killed = False
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._stopped.acquire()

    def advance(self, steps: int = 1) -> None:
        """Let it do so many steps, or fewer where it ends before."""
        while steps and not self.is_over:
            steps -= 1
            self._go.release()
            self._stopped.acquire()

    def finish(self) -> None:
        """Let it run to its end."""
        while not self.is_over:
            self.advance()

    def kill(self) -> None:
        """End it where it is."""
        self._killed = True
        self.finish()

    def step(self) -> None:
        """Stop here, in its thread."""
        if not self._killed:
            self._stopped.release()
            self._go.acquire()
        if self._killed:
            raise Killed

    def _run(self) -> None:
        _running[threading.get_ident()] = self
        try:
            self.step()
            self._work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - told by `error`
            self.error = error
        finally:
            del _running[threading.get_ident()]
            self.is_over = True
            self._stopped.release()


def step() -> None:
    """Stop the work whose thread this is, if it is one's."""
    if (frozen := _running.get(threading.get_ident())) is not None:
        frozen.step()
