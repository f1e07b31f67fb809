"""Shares of the transfers: even between clients, by weight between the jobs of one.

Owns the counts of open transfers and the order in which jobs are asked for the next one: the client
with the fewest open first, and of its jobs the one with the fewest for its weight. What is shared
is what is open, not how often one begins: a job of long transfers gets no more of them at once than
a job of short ones. Leaves what a job has to fetch, and from whom, to `politeness.py`. Pure.

    there is room for a transfer where
    quick   fewer than `transfers` are open, not counting
    slow    those that move so little that they are hardly there; so many of them at most
    first   one of each job but one, so that a job may always have one and no other starves it
"""

from __future__ import annotations

from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.outbound.fetch import Fetch
    from packmule.outbound.lane import Lane

SLOW_TIMES = 16
"""Slow transfers at once, as a multiple of the others."""

_rank = attrgetter("rank")


class _Client:
    __slots__ = ("lanes", "open", "rank")

    def __init__(self, turn: int) -> None:
        self.lanes: list[Lane] = []
        self.open = 0
        self.rank = (0, turn)


class Shares:
    """Who has how many of the transfers, and who is next."""

    def __init__(self, transfers: int) -> None:
        self._transfers = transfers
        self._clients: dict[str, _Client] = {}
        self._order: list[_Client] = []
        self._turns = count()
        self.lanes: set[Lane] = set()
        self.open = 0
        self.slow = 0
        self._busy = 0

    def join(self, lane: Lane) -> None:
        """Let a job take part; it is the last of those that have as little as it has."""
        client = self._clients.get(lane.client)
        if client is None:
            client = self._clients[lane.client] = _Client(next(self._turns))
            self._order.append(client)
        lane.rank = (lane.open / lane.weight, next(self._turns))
        client.lanes.append(lane)
        client.open += lane.open
        self.lanes.add(lane)

    def leave(self, lane: Lane) -> None:
        """End a job's part; transfers of it that are still open are given back as ever."""
        if lane not in self.lanes:
            return
        self.lanes.remove(lane)
        client = self._clients[lane.client]
        client.lanes.remove(lane)
        client.open -= lane.open
        if not client.lanes:
            del self._clients[lane.client]
            self._order.remove(client)

    def in_turn(self) -> Iterator[Lane]:
        """Give the jobs in the order in which they are to be asked: stop at who begins one."""
        counted = self.open - self.slow - max(0, self._busy - 1)
        has_room = counted < self._transfers and self.open < self._most
        order = self._order
        if len(order) > 1:
            order.sort(key=_rank)
        for client in order:
            lanes = client.lanes
            if len(lanes) > 1:
                lanes.sort(key=_rank)
            for lane in lanes:
                if has_room or not lane.open:
                    yield lane

    @property
    def _most(self) -> int:
        return self._transfers * (1 + SLOW_TIMES)

    def take(self, lane: Lane) -> None:
        """Note that a job begins a transfer."""
        self._note(lane, 1)

    def give_back(self, lane: Lane, fetch: Fetch) -> None:
        """Note that a job's transfer has ended."""
        self.mark(fetch, slow=False)
        self._note(lane, -1)

    def mark(self, fetch: Fetch, *, slow: bool) -> None:
        """Note whether an open transfer is slow."""
        if fetch.slow is not slow:
            fetch.slow = slow
            self.slow += 1 if slow else -1

    def _note(self, lane: Lane, change: int) -> None:
        self.open += change
        self._busy += (lane.open + change > 0) - (lane.open > 0)
        lane.open += change
        if lane not in self.lanes:
            return
        client = self._clients[lane.client]
        client.open += change
        # Of those that have equally much, the one that began a transfer longest ago is next.
        if change > 0:
            turn = next(self._turns)
            lane.rank, client.rank = (lane.open / lane.weight, turn), (client.open, turn)
        else:
            lane.rank = (lane.open / lane.weight, lane.rank[1])
            client.rank = (client.open, client.rank[1])
