"""Mixtures: each request of a file meets another fault, until the origin is well.

Owns the single faults, the scripts drawn from them by a seed, and what may come of a mixture: the
whole of one version, never a splice, or, where there were more faults in a row than tries, a named
failure. Leaves sockets to `origin`, right answers to `objects`.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests.faults.objects import Version, ranged, send, serve, version, whole
from tests.faults.origin import Origin
from tests.faults.packing import LIMITS, LOOP, Hung, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.faults.origin import Exchange

    Fault = Callable[[Exchange, Version, random.Random], None]


def cut(x: Exchange, of: Version, dice: random.Random) -> None:
    """Break off somewhere, properly or not."""
    start = ranged(x, of)
    send(x, of, start, dice.randint(start, len(of.data)))
    if dice.random() < 0.5:
        x.pause(0.02)  # an RST overtakes what is still on its way
        x.reset()
    x.close()


def silent(x: Exchange, _of: Version, dice: random.Random) -> None:
    """Close without an answer."""
    if dice.random() < 0.5:
        x.reset()
    x.close()


def busy(x: Exchange, _of: Version, dice: random.Random) -> None:
    """Have no time now."""
    later = ("Retry-After: 0",) if dice.random() < 0.5 else ()
    x.head(dice.choice([408, 429, 500, 502, 503, 504]), "Content-Length: 3", *later)
    x.raw(b"no\n")


def heedless(x: Exchange, of: Version, dice: random.Random) -> None:
    """Send the whole, whatever was asked for, and break off."""
    whole(x, of)
    send(x, of, 0, dice.randint(0, len(of.data)))
    x.close()


def endless_chunks(x: Exchange, of: Version, dice: random.Random) -> None:
    """Send chunks, and not the last one."""
    x.head(200, "Transfer-Encoding: chunked", *of.fields)
    piece = of.data[: dice.randint(1, len(of.data))]
    x.raw(b"%x\r\n" % len(piece))
    x.body(piece)
    x.close()


def misplaced(x: Exchange, of: Version, dice: random.Random) -> None:
    """Answer a resume with another part than was asked for."""
    if x.start is None:
        return cut(x, of, dice)
    total, start = len(of.data), dice.choice([0, max(0, x.start - 1), x.start + 1])
    x.head(
        206, f"Content-Range: bytes {start}-{total - 1}/{total}",
        f"Content-Length: {total - start}", *of.fields,
    )  # fmt: skip
    return send(x, of, start)


def unwilling(x: Exchange, of: Version, dice: random.Random) -> None:
    """Refuse a range that could be had."""
    if x.start is None:
        return cut(x, of, dice)
    return x.head(416, f"Content-Range: bytes */{len(of.data)}", "Content-Length: 0")


def garbled(x: Exchange, _of: Version, dice: random.Random) -> None:
    """End in the middle of a head."""
    x.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\nX-Half"[: dice.randint(1, 40)])
    x.close()


def elsewhere(x: Exchange, _of: Version, _dice: random.Random) -> None:
    """Lead to another path of the same file; the next request meets the next fault."""
    x.head(302, f"Location: {x.target}+", "Content-Length: 0")


FAULTS: Sequence[Fault] = (
    cut, cut, cut, silent, busy, heedless, endless_chunks, misplaced, unwilling, garbled, elsewhere,
)  # fmt: skip


@dataclass
class Mixture:
    """One file's faults, in order; from request `changes` on there is another version."""

    seed: int
    size: int
    faults: Sequence[Fault]
    changes: int | None
    asked: int = 0

    @classmethod
    def of(cls, seed: int) -> Mixture:
        """Draw a mixture."""
        dice = random.Random(seed)
        faults = [dice.choice(FAULTS) for _ in range(dice.randint(1, 5))]
        size = dice.choice([1, 5_000, 90_000, 300_000, 1_200_000])
        changes = dice.randint(1, len(faults)) if dice.random() < 0.3 else None
        return cls(seed, size, faults, changes)

    def version(self, number: int) -> Version:
        """Give the version that is there at a request."""
        old = self.changes is None or number < self.changes
        return version(f"{'old' if old else 'new'}-{self.seed}", self.size + (not old) * 7)

    def answer(self, x: Exchange) -> None:
        """Answer the next request, whichever path it names."""
        number, self.asked = self.asked, self.asked + 1
        of = self.version(number)
        if number < len(self.faults):
            self.faults[number](x, of, random.Random(f"{self.seed}/{number}"))
        else:
            serve(x, of)

    def told(self, got: bytes | None, failure: object) -> str:
        """Say what came of it: `right`, or what is wrong with it."""
        last = self.version(self.asked - 1).data
        if got is not None:
            return "right" if got == last else "silently wrong"
        if failure is None:
            return "neither there nor failed"
        # Fewer faults than tries can be outlived; a head cut short is an answer that is not valid.
        lasting = len(self.faults) >= LIMITS.attempts or garbled in self.faults
        return "right" if lasting else f"lost: {failure}"


def played(seeds: Sequence[int], folder: Path) -> dict[int, str]:
    """Play mixtures side by side, each with an origin of its own; tell what came of each."""
    mixtures = [Mixture.of(seed) for seed in seeds]
    with ExitStack() as stack:
        origins = [stack.enter_context(Origin(partial(_answer, one))) for one in mixtures]
        try:
            outcome = run([origin.url() for origin in origins], folder / "out.zip", loop=LOOP)
        except Hung:
            return dict.fromkeys(seeds, "hung")
    return {
        one.seed: one.told(outcome.entries.get(str(at)), outcome.failures.get(at))
        for at, one in enumerate(mixtures)
    }


def _answer(one: Mixture, x: Exchange) -> None:
    one.answer(x)
