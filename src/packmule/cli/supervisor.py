"""The supervisor: keeps the child processes running and stops them in order.

Owns starting, restarting with growing delays, draining and, if that takes too long or a second
signal comes, killing. It imports next to nothing, so that little in it can fail. Each child is in
its own process group: ctrl-C in a terminal reaches only the supervisor, which then stops each child
once.
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

_INTERVAL = 0.1
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 30.0
# After this many seconds of life a child is restarted with the first delay again.
_STABLE = 60.0

EXIT_KILLED = 130


@dataclass(slots=True)
class Child:
    """One child: what to run, and since when it runs or when to start it again."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    delay: float = _FIRST_DELAY

    @property
    def is_alive(self) -> bool:
        """Return whether it is running."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs the children named in `commands` until SIGTERM or SIGINT; times are in seconds."""

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
        """Keep the children running, and return the exit code.

        `when_ready` is called once, when `is_ready`. If a child ends before that, everything ends:
        a service that cannot start says so at once instead of trying for ever.
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
                time.sleep(_INTERVAL)
            return self._end(0)
        finally:
            self._kill()

    def _note_signal(self, _number: int, _frame: object) -> None:
        # No Event: its lock may be held by the very code that the signal interrupts.
        self._signals += 1

    def _keep_alive(self, child: Child) -> bool:
        """Start a child that is not running; return False if it has just ended."""
        now = time.monotonic()
        if child.is_alive:
            return True
        if child.process is not None:
            if now - child.started_at > _STABLE:
                child.delay = _FIRST_DELAY
            code = child.process.returncode
            how = f"signal={-code}" if code < 0 else f"exit_code={code}"
            self._postpone(child, "child ended", how, now)
            return False
        if now < child.due_at:
            return True
        try:
            child.process = subprocess.Popen(  # noqa: S603  # ourselves
                child.command, env=self._environment, stdin=subprocess.DEVNULL, process_group=0
            )
        except OSError as error:  # too many processes, no memory, or the program is being replaced
            self._postpone(child, "child not started", f"error={error.strerror!r}", now)
            return False
        child.started_at = now
        return True

    def _postpone(self, child: Child, event: str, why: str, now: float) -> None:
        _log.error("%s name=%s %s restart_in=%.0f", event, child.name, why, child.delay)
        child.process = None
        child.due_at = now + child.delay
        child.delay = min(child.delay * 2, _LONGEST_DELAY)

    def _end(self, code: int) -> int:
        """Stop the children, and return the exit code."""
        alive = [child for child in self._children if child.is_alive]
        _log.info("stopping; send the signal again to stop at once")
        for child in alive:
            if child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + self._drain_timeout
        signals = self._signals
        while any(child.is_alive for child in alive):
            if self._signals > signals:
                return EXIT_KILLED
            if time.monotonic() > deadline:
                _log.warning("drain timed out timeout=%.0f", self._drain_timeout)
                return code
            time.sleep(_INTERVAL)
        _log.info("stopped")
        return code

    def _kill(self) -> None:
        """Kill the children that are left."""
        for child in self._children:
            if child.process is not None and child.is_alive:
                child.process.kill()
                child.process.wait()
