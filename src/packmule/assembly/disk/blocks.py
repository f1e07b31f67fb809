"""Blocks of memory on their way to the disk: the bounded pool, and the thread that writes.

Owns the memory bound of all jobs together, and the order of writes (first come, first written).
A block is page-aligned, so a piece copied to an address congruent to its file offset modulo the
page can go out with O_DIRECT. The bound is the back-pressure: where no block is free a transfer
pauses, and `on_room` tells the transfer loop when one is.
"""

from __future__ import annotations

import logging
import mmap
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

from packmule.assembly.compress_pool import usual_threads

# Each block costs its threads a few hand-overs: with 3 MiB, a third fewer CPU seconds than with 1.
BLOCK_BYTES = 3 * 1024 * 1024
_RESTING_BYTES = 16 * 1024 * 1024
_log = logging.getLogger(__name__)


class Holder(Protocol):
    """Somebody who fills a block and can be asked to give it up early."""

    @property
    def filled(self) -> int:
        """Bytes in the block held now."""

    def flush(self) -> None:
        """Hand the block to the writer as it is."""


class Pool:
    """A bounded set of blocks. `sent` and `give` are any thread's, all else is the loop's."""

    def __init__(self, blocks: int, *, on_room: Callable[[], None] = lambda: None) -> None:
        self._memory = _memory(blocks)
        whole = memoryview(self._memory)
        self._free = [
            whole[at : at + BLOCK_BYTES] for at in range(0, blocks * BLOCK_BYTES, BLOCK_BYTES)
        ]
        self._blocks = blocks
        self._lock = threading.Lock()
        self._wanted = False
        self._on_the_way = 0
        self.on_room = on_room
        self.holders: set[Holder] = set()
        self.resting_bytes = 0

    @property
    def all_back(self) -> bool:
        """Return whether nobody holds a block, nor memory between two tries."""
        with self._lock:
            back = len(self._free) == self._blocks and not self._on_the_way
        return back and not self.holders and not self.resting_bytes

    def has_room(self) -> bool:
        """Return whether a block is free: only then are new transfers begun."""
        if self._free:
            return True
        self._ask_for_one()
        return bool(self._free)

    def take(self) -> memoryview | None:
        """Take a block; None where none is free now (`on_room` tells when)."""
        with self._lock:
            if self._free:
                return self._free.pop()
        self._ask_for_one()
        return None

    def _ask_for_one(self) -> None:
        """Ask for a call of `on_room` when there is one."""
        with self._lock:
            self._wanted = True
            starved = self._on_the_way == 0
        if starved and self.holders:
            # All blocks are being filled and none is on its way: let the fullest go early.
            max(self.holders, key=lambda holder: holder.filled).flush()

    def take_anyway(self) -> memoryview:
        """Take a block for complete small entries, beyond the bound where it must be.

        What is complete cannot wait. The excess is small: no transfer begins while no block is
        free, and those under way hold less than a block each.
        """
        with self._lock:
            if self._free:
                return self._free.pop()
        return memoryview(_memory(1))

    def sent(self) -> None:
        """Record that a block went to the writer."""
        with self._lock:
            self._on_the_way += 1

    def give(self, block: memoryview, *, written: bool = True) -> None:
        """Take a block back; `written`: it comes from the writer."""
        with self._lock:
            if written:
                self._on_the_way -= 1
            if block.obj is self._memory:
                self._free.append(block)
            tell, self._wanted = self._wanted, False
        if tell:
            self.on_room()

    def may_rest(self, size: int) -> bool:
        """Return whether `size` bytes of a small body may be kept in memory between two tries."""
        if self.resting_bytes + size > _RESTING_BYTES:
            return False
        self.resting_bytes += size
        return True


def _memory(blocks: int) -> mmap.mmap:
    """Map memory for so many blocks, in huge pages where the system has them.

    Private, not shared as mmap's default: to shared memory most systems give no huge pages, and
    without them packing 4 GiB takes a fifth longer (docs/decisions/0004).
    """
    memory = mmap.mmap(-1, blocks * BLOCK_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            memory.madvise(mmap.MADV_HUGEPAGE)
        except OSError as error:
            _log.debug("huge pages refused reason=%s", error)
    return memory


Command = Callable[[], None]


class Beside(NamedTuple):
    """Work on a block that takes longer than writing it: what is of one lane is done in order."""

    lane: int
    work: Command


class Writer:
    """Writes in the order in which it is told, in one thread; others go before it.

    One sums up a block (CRC-32) while the block before it is being written: on a fast disk both
    take about as long. What takes longer (SHA-256) is done by `lanes` for several blocks at once.
    """

    def __init__(self, lanes: Lanes | None = None) -> None:
        self._first: queue.SimpleQueue[tuple[Command | None, Beside | None, Command | None]]
        self._first = queue.SimpleQueue()
        self._second: queue.SimpleQueue[tuple[Command | None, threading.Event | None]]
        self._second = queue.SimpleQueue()
        self._lanes = lanes or Lanes()
        self._threads = [
            threading.Thread(target=self._prepare, name="summer", daemon=True),
            threading.Thread(target=self._write, name="writer", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, command: Command, before: Command | None = None, beside: Beside | None = None
    ) -> None:
        """Submit a write, to be done once `before` and `beside` are; all keep their own errors.

        Every `before` is done in order, and every command.
        """
        self._first.put((before, beside, command))

    @property
    def has_ended(self) -> bool:
        """Return whether one of the threads is no more: nothing will be written."""
        return not all(thread.is_alive() for thread in self._threads)

    def wait(self) -> None:
        """Return when everything submitted so far is done."""
        done = threading.Event()
        self.submit(done.set)
        while not done.wait(1.0):
            if self.has_ended:
                raise RuntimeError("the writer's threads have ended")

    def close(self) -> None:
        """Finish what was submitted, then end the threads."""
        self._first.put((None, None, None))
        for thread in self._threads:
            thread.join()
        self._lanes.close()

    def _prepare(self) -> None:
        while True:
            before, beside, command = self._first.get()
            if before is not None:
                _surely(before)
            self._second.put((command, None if beside is None else self._lanes.begin(beside)))
            if command is None:
                return

    def _write(self) -> None:
        while True:
            command, is_done = self._second.get()
            if command is None:
                return
            if is_done is not None:
                is_done.wait()
            _surely(command)


class Lanes:
    """Some threads, started when they are needed first. All but `close` is one thread's."""

    def __init__(self, count: int | None = None) -> None:
        self._count = count or usual_threads()
        self._queues: list[queue.SimpleQueue[tuple[Command, threading.Event] | None]] = []
        self._threads: list[threading.Thread] = []

    def begin(self, beside: Beside) -> threading.Event:
        """Begin a piece of work; the event tells when it is done.

        Where the system refuses the threads, it is done before this returns.
        """
        is_done = threading.Event()
        if not self._threads:
            self._start()
        if self._threads:
            self._queues[beside.lane % len(self._threads)].put((beside.work, is_done))
        else:
            _surely(beside.work)
            is_done.set()
        return is_done

    def close(self) -> None:
        """End the threads, once what was begun is done."""
        for waiting in self._queues:
            waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        """Start all threads; as many as the system gives. Their number stays as it is then."""
        for number in range(self._count):
            waiting: queue.SimpleQueue[tuple[Command, threading.Event] | None] = queue.SimpleQueue()
            thread = threading.Thread(
                target=_work_off, args=(waiting,), name=f"digest-{number}", daemon=True
            )
            try:
                thread.start()
            except (RuntimeError, MemoryError) as error:
                _log.warning("digest thread refused threads=%d reason=%s", number, error)
                return
            self._queues.append(waiting)
            self._threads.append(thread)


def _work_off(waiting: queue.SimpleQueue[tuple[Command, threading.Event] | None]) -> None:
    while (task := waiting.get()) is not None:
        work, is_done = task
        try:
            _surely(work)
        finally:
            is_done.set()


def _surely(command: Command) -> None:
    """Run a command; the thread must outlive it."""
    try:
        command()
    except Exception:  # noqa: BLE001 - told, and its archive knows by what it did not note
        with suppress(MemoryError):
            _log.exception("write failed")
