"""Looking at some of those that wait, in rotation: a look costs the same however many they are.

Owns how many are looked at and where the next look goes on. A few clients are all looked at each
time, so whose turn it is among them is exact. Of more than `AT_ONCE` a look takes that many, in the
order of their names, and the next look those behind them: who has waited longest of those is
begun, and each client is reached in every round. Leaves the looking to the queues, whose turn it
is of those that were found to `fairness.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from packmule.engine.fairness import Waiting

Place = TypeVar("Place")

AT_ONCE = 64
"""Clients, or priorities of clients, that one look takes."""


class DueScan(Generic[Place]):
    """Where the next look begins; at first, and after the last one, at the `beginning`.

    `most`: at how many times `AT_ONCE` one look looks where it finds too little.
    """

    def __init__(self, beginning: Place, most: float = math.inf) -> None:
        self._beginning = self._next = beginning
        self._most = most

    def look(
        self,
        walk: Callable[[Place, int], tuple[int, Place | None, Iterable[Waiting]]],
        enough: int,
    ) -> list[Waiting]:
        """Look from where the last look ended until `enough` were found, or at all of them.

        `walk(from, most)` looks at `most` and says at how many it did, where the next one begins,
        None at the end, and what it found.
        """
        found: dict[int, Waiting] = {}
        goes_round = self._next != self._beginning
        seen = 0
        while True:
            count, after, some = walk(self._next, AT_ONCE)
            found |= {one.id: one for one in some}
            seen += count
            self._next = self._beginning if after is None else after
            if (len(found) >= enough and seen >= AT_ONCE) or seen >= self._most * AT_ONCE:
                break
            if after is None:
                if not goes_round:
                    break
                goes_round = False
        return list(found.values())
