"""A host that exists only as numbers, fetched from by a worker that keeps to a `Concurrency`.

Owns the course of time, in steps of a hundredth of a second. Every file has the same size. A try
that is refused is made again later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packmule.outbound.concurrency import Concurrency

STEP = 0.01
PER_FILE = 128 * 1024
BIG, BIG_FILES = 1024 * 1024, 0.3


@dataclass(frozen=True, slots=True)
class Host:
    """Seconds until a response begins, bytes per second of a connection and of all, and limits.

    More than `bears` at once are refused, `refuses_after` so many latencies. Of more than `serves`
    the others wait for their turn.
    """

    latency: float
    size: int
    per_connection: float = math.inf
    in_all: float = math.inf
    bears: float = math.inf
    serves: float = math.inf
    refuses_after: float = 1.0


@dataclass(slots=True)
class Transfer:
    """One try: its rank, when it began, when its response begins, and what is left of the body."""

    rank: int
    began: float
    answer_at: float
    left: float
    refused: bool = False
    answered: bool = False


@dataclass(slots=True)
class Run:
    """What has happened until now."""

    host: Host
    limit: Concurrency
    now: float = 0.0
    files: int = 0
    refusals: int = 0
    most: int = 0
    work: float = 0.0
    random: Random = field(default_factory=lambda: Random(1))
    open: list[Transfer] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)

    def go_on(self, seconds: float) -> None:
        """Let so many seconds pass."""
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self._begin()
            self._answer()
            self._move()
            active = max(len(self.open), int(self.limit.limit))  # files always wait
            shortest = BIG_FILES if self.host.size > BIG else 0.0
            self.limit.measure(self.now, self.work, active, shortest)
            self.limits.append(int(self.limit.limit))

    def _begin(self) -> None:
        host = self.host
        while len(self.open) < int(self.limit.limit):
            rank = len(self.open) + 1
            wait = host.latency * self.random.uniform(0.8, 1.2)
            if is_refused := rank > host.bears:
                wait *= host.refuses_after
            self.open.append(
                Transfer(rank, self.now, self.now + wait, float(host.size), is_refused)
            )
        self.most = max(self.most, len(self.open))

    def _answer(self) -> None:
        served = 0
        for each in tuple(self.open):
            if each.answered:
                served += 1
            elif each.answer_at <= self.now and each.refused:
                self.open.remove(each)
                self.refusals += 1
                self.limit.refused(each.rank, each.began, self.now)
            elif each.answer_at <= self.now and served < self.host.serves:
                served += 1
                each.answered = True
                self.work += PER_FILE
                self.limit.answered(each.rank)

    def _move(self) -> None:
        moving = [each for each in self.open if each.answered]
        if not moving:
            return
        left = self.host.in_all * STEP
        for after, each in enumerate(sorted(moving, key=lambda each: each.left)):
            share = left / (len(moving) - after)
            step = min(self.host.per_connection * STEP, share, each.left)
            left -= step
            each.left -= step
            self.work += step
            if each.left <= 0:
                self.open.remove(each)
                self.files += 1
