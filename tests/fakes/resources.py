"""Shared resources whose transfer loop is the test: it hands out the fetches and plays the origin.

`ByHand` stands for the loop. Commands given to it run when the test takes a turn, or while somebody
waits for `remove`, as the real one's do; all in the thread that calls.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from packmule.assembly.compress_pool import CompressPool
from packmule.assembly.disk.blocks import Pool, Writer
from packmule.assembly.resources import AssemblyLimits
from packmule.assembly.upload.scratch_budget import ScratchBudget
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.head import Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from packmule.assembly.assembly import Assembly
    from packmule.assembly.resources import SharedResources
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.job_queue import JobQueue

PIECE = 16 * 1024  # what libcurl hands out at most
ROOMY = AssemblyLimits(min_free_bytes=0)


class ByHand:
    """The transfer loop's public face, without transfers."""

    def __init__(self) -> None:
        self.fetches: dict[JobQueue, list[Fetch]] = {}
        self.removed: set[JobQueue] = set()
        self._commands: deque[Callable[[], None]] = deque()
        self._news = threading.Event()

    def add(self, queue: JobQueue, fetches: Iterable[Fetch]) -> None:
        """Take a job's fetches."""
        self.fetches[queue] = [*fetches, *queue.take_everything()]

    def remove(self, queue: JobQueue) -> None:
        """Forget a job, after all that was submitted before."""
        self.removed.add(queue)
        self.turn()

    def submit(self, command: Callable[[], None]) -> None:
        """Keep a command for the next turn."""
        self._commands.append(command)
        self.nudge()

    def nudge(self) -> None:
        """Note that there is something to see."""
        self._news.set()

    def turn(self) -> None:
        """Do what was submitted."""
        self._news.clear()
        while self._commands:
            self._commands.popleft()()

    def wait(self, seconds: float = 10.0) -> None:
        """Wait for a command or a nudge, then take a turn."""
        assert self._news.wait(seconds), "nothing came"
        self.turn()


@dataclass
class FakeResources:
    """What an assembly needs of the shared resources: as small a pool as the test wants."""

    blocks: int = 8
    limits: AssemblyLimits = ROOMY
    rules: AddressRules = field(
        default_factory=lambda: AddressRules(allow_networks=parse_networks("127.0.0.0/8"))
    )

    def __post_init__(self) -> None:
        self.loop = ByHand()
        self.pool = Pool(self.blocks, on_room=self.loop.nudge)
        self.compress_pool = CompressPool(2, on_room=self.loop.nudge)
        self.scratch = ScratchBudget(self.limits.max_scratch_bytes, self.limits.min_free_bytes)
        self.writer = Writer()

    @property
    def real(self) -> SharedResources:
        """The same, as the assembly's type wants it."""
        return cast("SharedResources", self)

    def check(self) -> None:
        """Do nothing: the loop is the test's own hand, which does not end."""

    def close(self) -> None:
        """End the threads; everything lent must have come back by then."""
        self.compress_pool.close()
        self.writer.close()


def settle(assembly: Assembly, resources: FakeResources) -> None:
    """Return when every file is done or has failed, all of whose bytes have come."""
    for _ in range(500):
        resources.writer.wait()
        resources.loop.turn()
        if assembly.is_resolved or assembly.error is not None:
            return
        assembly.wait(0.02)
    raise AssertionError("a file is neither done nor failed")


def head(length: int | None = None, **fields: str) -> Head:
    """Make the head of a 200; a field's name is written with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Head(200, named, length)


def body(size: int, seed: int = 0) -> bytes:
    """Make a body nobody can compress, another for each seed."""
    return random.Random(f"{size}/{seed}").randbytes(size)


@dataclass
class Try:
    """One try at a source: an origin's body on its way into a receiver, piece by piece."""

    fetch: Fetch
    content: bytes
    at: int = 0
    piece: int = PIECE

    def begin(self, answer: Head, start: int = 0, total: int | None = None) -> Try:
        """Let the head arrive."""
        self.at = start
        self.fetch.receiver.accept(answer, start, total, self.fetch.asked)
        return self

    @property
    def is_over(self) -> bool:
        """Tell whether the whole body was taken."""
        return self.at >= len(self.content)

    def step(self) -> bool:
        """Offer the next piece; False where there is no room for it."""
        view = memoryview(self.content)[self.at : self.at + self.piece]
        if self.fetch.receiver.write(view):
            return False
        self.at += len(view)
        return True

    def run(self, loop: ByHand, until: int | None = None) -> Try:
        """Send up to that byte of the body, waiting for room where there is none."""
        goal = len(self.content) if until is None else until
        while self.at < goal:
            whole, self.content = self.content, self.content[:goal]
            taken = self.step()
            self.content = whole
            if not taken:
                loop.wait()
        return self

    def send_all(self, loop: ByHand) -> None:
        """Send the whole rest, and end."""
        self.run(loop)
        self.fetch.receiver.finish()
