"""The supervisor: keeps the child processes alive, and ends them in order.

Owns starting, restarting with growing pauses, draining and, where that takes too long or a second
signal comes, killing. It imports next to nothing, so there is little in it that could fail. A child
is in a process group of its own: a terminal's ctrl-C reaches the supervisor alone, which then says
to each child once that it is to stop.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.1
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
# A child that has lived this long starts anew at the shortest pause.
_STABLE = 60.0

EXIT_KILLED = 130


@dataclass(slots=True)
class Child:
    """One child: what to run, and since when it runs or when it is to run again."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    pause: float = _FIRST_PAUSE

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs the children named by `commands` until SIGTERM or SIGINT; times in seconds."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        environment: Mapping[str, str],
        *,
        drain_timeout: float,
    ) -> None:
        self._children = [Child(name, command) for name, command in commands.items()]
        self._environment = dict(environment)
        self._drain_timeout = drain_timeout
        self._signals = 0

    def run(self, is_ready: Callable[[], bool], when_ready: Callable[[], None]) -> int:
        """Keep the children running; give the exit code.

        `when_ready` is called once, when `is_ready`. A child that ends before that, ends all:
        what cannot start is told at once, and not tried for ever.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_signal)
        ready = False
        try:
            while not self._signals:
                for child in self._children:
                    if not self._keep_alive(child) and not ready:
                        return self._end(1)
                if not ready and is_ready():
                    ready = True
                    when_ready()
                time.sleep(_LOOK_EVERY)
            return self._end(0)
        finally:
            self._kill()

    def _note_signal(self, _number: int, _frame: object) -> None:
        # No Event: its lock may be held by the very code that the signal interrupts.
        self._signals += 1

    def _keep_alive(self, child: Child) -> bool:
        """Start a child that does not run; False where it has just ended."""
        now = time.monotonic()
        if child.is_alive:
            return True
        if child.process is not None:
            if now - child.started_at > _STABLE:
                child.pause = _FIRST_PAUSE
            code = child.process.returncode
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            self._postpone(child, f"ended {how}", now)
            return False
        if now < child.due_at:
            return True
        try:
            child.process = subprocess.Popen(  # noqa: S603  # ourselves
                child.command, env=self._environment, stdin=subprocess.DEVNULL, process_group=0
            )
        except OSError as error:  # too many processes, no memory, or the program is being replaced
            self._postpone(child, f"could not be started ({error.strerror})", now)
            return False
        child.started_at = now
        return True

    def _postpone(self, child: Child, why: str, now: float) -> None:
        _log.error("%s %s; it is started again in %.0f s", child.name, why, child.pause)
        child.process = None
        child.due_at = now + child.pause
        child.pause = min(child.pause * 2, _LONGEST_PAUSE)

    def _end(self, code: int) -> int:
        """Let the children come to their end, and give the exit code."""
        alive = [child for child in self._children if child.is_alive]
        _log.info("stopping; again to stop at once")
        for child in alive:
            if child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + self._drain_timeout
        signals = self._signals
        while any(child.is_alive for child in alive):
            if self._signals > signals:
                return EXIT_KILLED
            if time.monotonic() > deadline:
                _log.warning("not everything ended within %.0f s", self._drain_timeout)
                return code
            time.sleep(_LOOK_EVERY)
        _log.info("stopped")
        return code

    def _kill(self) -> None:
        """Leave no child behind."""
        for child in self._children:
            if child.process is not None and child.is_alive:
                child.process.kill()
                child.process.wait()
