"""Share the transfers: evenly between clients, and by weight between the jobs of one client.

Owns the counts of open transfers and the order in which jobs are offered the next one: the client
with the fewest open first, and of its jobs the one with the fewest for its weight. Shares count
what is open, not how often a transfer begins: a job of long transfers gets no more of them at once
than a job of short ones. Leaves what a job fetches, and from which host, to `fetch_scheduler.py`.
Pure.

There is room for another transfer while fewer than `transfers` are open, not counting
    slow    those that hardly move, up to `SLOW_TIMES` times as many, and `MOST_SLOW`
    first   one of every job but one, so that each job may always have one and none is starved
"""

from __future__ import annotations

from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.outbound.fetch import Fetch
    from packmule.outbound.job_queue import JobQueue

SLOW_TIMES, MOST_SLOW = 16, 512
"""How many slow transfers may be open, as a multiple of the others, and at most; each of them holds
a socket. There may always be twice as many as of the others."""

_rank = attrgetter("rank")


class _Client:
    __slots__ = ("open", "queues", "rank")

    def __init__(self, turn: int) -> None:
        self.queues: list[JobQueue] = []
        self.open = 0
        self.rank = (0, turn)


class TransferShares:
    """Who has how many transfers, and who is next; `transfers` may change at any time."""

    def __init__(self, transfers: int) -> None:
        self.transfers = transfers
        self._clients: dict[str, _Client] = {}
        self._order: list[_Client] = []
        self._turns = count()
        self.queues: set[JobQueue] = set()
        self.open = 0
        self.slow = 0
        self._busy = 0

    def join(self, queue: JobQueue) -> None:
        """Add a job; it comes last among those that have as few transfers."""
        client = self._clients.get(queue.client)
        if client is None:
            client = self._clients[queue.client] = _Client(next(self._turns))
            self._order.append(client)
        queue.rank = (queue.open / queue.weight, next(self._turns))
        client.queues.append(queue)
        client.open += queue.open
        self.queues.add(queue)

    def leave(self, queue: JobQueue) -> None:
        """Remove a job; its open transfers are still given back one by one."""
        if queue not in self.queues:
            return
        self.queues.remove(queue)
        client = self._clients[queue.client]
        client.queues.remove(queue)
        client.open -= queue.open
        if not client.queues:
            del self._clients[queue.client]
            self._order.remove(client)

    def in_turn(self) -> Iterator[JobQueue]:
        """Yield the jobs in the order to offer them a transfer; stop once one takes it."""
        has_room = self.has_room
        order = self._order
        if len(order) > 1:
            order.sort(key=_rank)
        for client in order:
            queues = client.queues
            if len(queues) > 1:
                queues.sort(key=_rank)
            for queue in queues:
                if has_room or not queue.open:
                    yield queue

    @property
    def room(self) -> int:
        """How many more transfers there is room for."""
        return max(0, min(self.transfers - self.counted, self._most - self.open))

    @property
    def has_room(self) -> bool:
        """Whether there is room for another transfer."""
        return self.counted < self.transfers and self.open < self._most

    @property
    def counted(self) -> int:
        """How many open transfers count against `transfers`."""
        return self.open - self.slow - max(0, self._busy - 1)

    @property
    def _most(self) -> int:
        transfers = self.transfers
        return transfers + min(transfers * SLOW_TIMES, max(MOST_SLOW, transfers * 2))

    def take(self, queue: JobQueue) -> None:
        """Record that a job begins a transfer."""
        self._note(queue, 1)

    def give_back(self, queue: JobQueue, fetch: Fetch) -> None:
        """Record that a job's transfer has ended."""
        self.mark(fetch, slow=False)
        self._note(queue, -1)

    def mark(self, fetch: Fetch, *, slow: bool) -> None:
        """Record whether an open transfer is slow."""
        if fetch.slow is not slow:
            fetch.slow = slow
            self.slow += 1 if slow else -1

    def _note(self, queue: JobQueue, change: int) -> None:
        self.open += change
        self._busy += (queue.open + change > 0) - (queue.open > 0)
        queue.open += change
        if queue not in self.queues:
            return
        client = self._clients[queue.client]
        client.open += change
        # Among equals, the one that began a transfer the longest ago is next.
        if change > 0:
            turn = next(self._turns)
            queue.rank, client.rank = (queue.open / queue.weight, turn), (client.open, turn)
        else:
            queue.rank = (queue.open / queue.weight, queue.rank[1])
            client.rank = (client.open, client.rank[1])
