"""The threads that compress, for all jobs of a process together.

Owns the threads and the bound on what waits for them. Leaves what is done to a piece of work, and
the order of its results, to whoever hands it in. The bound is back-pressure: where there is no room
a transfer pauses, and `on_room` tells the transfer loop when there is some again.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_log = logging.getLogger(__name__)

WAITING_BYTES = 8 * 1024 * 1024
_MOST_THREADS = 4
# Compressing is the one thing here that can wait: transfers and writes of all jobs go first.
_NICENESS = 5


def usual_threads() -> int:
    """Return how many threads this machine gives to compressing."""
    allowed = getattr(os, "sched_getaffinity", None)  # macOS has none
    cores = (os.cpu_count() or 1) if allowed is None else len(allowed(0))
    return max(1, min(_MOST_THREADS, cores))


class CompressPool:
    """Some threads, started when they are needed first; `submit` may be called by any thread."""

    def __init__(self, threads: int, *, on_room: Callable[[], None] = lambda: None) -> None:
        self.on_room = on_room
        self._queue: queue.SimpleQueue[tuple[Hashable, int, Callable[[], None]] | None]
        self._queue = queue.SimpleQueue()
        self._count = threads
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._of: Counter[Hashable] = Counter()
        self._waiting = 0
        self._wanted = False

    def has_room(self) -> bool:
        """Return whether more may be handed in; if not, `on_room` tells when."""
        if self._waiting < WAITING_BYTES:
            return True
        with self._changed:
            self._wanted = self._waiting >= WAITING_BYTES
            return not self._wanted

    def submit(self, owner: Hashable, size: int, work: Callable[[], None]) -> None:
        """Submit work that holds `size` bytes until it is; it keeps its own errors.

        Where the system refuses every thread, the caller's does the work before this returns.
        """
        with self._changed:
            if len(self._threads) < self._count:
                self._start()
            has_thread = bool(self._threads)
            if has_thread:
                # Counted only once somebody is there to count it off again.
                self._waiting += size
                self._of[owner] += 1
        if has_thread:
            self._queue.put((owner, size, work))
        else:
            _perform(work)

    def wait(self, owner: Hashable) -> None:
        """Return when all that was submitted for this owner is done; it must submit no more."""
        with self._changed:
            while self._of[owner]:
                self._changed.wait()
            del self._of[owner]

    def close(self) -> None:
        """Finish what was submitted, then end the threads."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        """Start one more thread; where the system refuses it, the next `submit` tries again."""
        thread = threading.Thread(
            target=self._run, name=f"compress_pool-{len(self._threads)}", daemon=True
        )
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            _log.warning(
                "compression thread refused threads=%d reason=%s", len(self._threads), error
            )
            return
        self._threads.append(thread)

    def _run(self) -> None:
        _yield_to_others()
        while (task := self._queue.get()) is not None:
            owner, size, work = task
            try:
                _perform(work)
            finally:
                self._done(owner, size)

    def _done(self, owner: Hashable, size: int) -> None:
        with self._changed:
            self._waiting -= size
            self._of[owner] -= 1
            if not self._of[owner]:
                self._changed.notify_all()
            # Not at each piece: to wake all who are paused costs the loop some time.
            tell = self._wanted and self._waiting <= WAITING_BYTES // 2
            if tell:
                self._wanted = False
        if tell:
            self.on_room()


def _perform(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # noqa: BLE001 - whoever runs it must outlive it
        with suppress(MemoryError):
            _log.exception("compression failed")


def _yield_to_others() -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    except OSError as error:
        _log.debug("compression thread kept its priority reason=%s", error)
