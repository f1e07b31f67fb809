"""Bodies of known content, of any size, that take no memory and no time to make.

A body is a window on one endless text, which repeats after a prime number of bytes: so no shift by
a block, a page or a power of two looks right, and no two bodies have a common beginning.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

PERIOD = 1_048_583  # a prime, just above 1 MiB
_NOISE = memoryview(random.Random(3).randbytes(PERIOD) * 2)
_CHOICE = random.Random(4)
_LINES = b"".join(b"%d bottles\n" % _CHOICE.randrange(99) for _ in range(PERIOD // 10))
_WORDS = memoryview(_LINES[:PERIOD] * 2)


@dataclass(frozen=True, slots=True)
class Body:
    """The body number `seed`, `size` bytes long; of words where it is to be deflated."""

    seed: int
    size: int
    words: bool = False

    def piece(self, start: int, most: int = PERIOD) -> memoryview:
        """Give bytes from `start` on: at most so many, or a period, or up to the body's end."""
        at = (self.seed * 7_919 + start) % PERIOD
        return (_WORDS if self.words else _NOISE)[
            at : at + max(0, min(most, PERIOD, self.size - start))
        ]

    def read(self) -> bytes:
        """Give all of it."""
        return b"".join(bytes(self.piece(at)) for at in range(0, self.size, PERIOD))
