"""Decide which waiting fetch starts next: fair to jobs, bounded per host, patient in trouble.

Owns the choice of the next fetch, the wait before a retry, and which fetches fail together with a
host that is given up. Leaves whose job is next to `transfer_shares.py`, how much load a host can
take to `host_health.py`, why a try failed to `transfer.py`, and sockets to `transfer_loop.py`.
Decides synchronously; the caller passes in the clock.

Each job has a queue. Queues share the transfers, and within a queue the hosts take turns, so
neither a huge job nor a slow host starves another. A host's limit holds across all queues.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from packmule.outbound.host_health import AT_FIRST, HostHealth
from packmule.outbound.transfer import Limits
from packmule.outbound.transfer_shares import TransferShares

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packmule.errors import Failure
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.job_queue import HostKey, JobQueue

_jitter = random.SystemRandom()
_HOSTS_REMEMBERED = 4096


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    queue: JobQueue = field(compare=False)
    item: Fetch = field(compare=False)


class FetchScheduler:
    """All queues and hosts of one transfer loop."""

    def __init__(
        self,
        *,
        per_host: int,
        at_first: int = AT_FIRST,
        transfers: int = 32,
        limits: Limits | None = None,
    ) -> None:
        self._per_host = per_host
        self._at_first = at_first
        self._limits = limits or Limits()
        self._shares = TransferShares(transfers)
        self._hosts: dict[HostKey, HostHealth] = {}
        self._later: list[_Due] = []
        self._order = count()
        self._held_until = math.inf
        self._now = 0.0
        self._forget_at = _HOSTS_REMEMBERED

    def add(self, queue: JobQueue, items: Iterable[Fetch], now: float = 0.0) -> None:
        """Let a job take part."""
        for item in items:
            queue.push(item)
        queue.joined_at = now
        self._shares.join(queue)

    def remove(self, queue: JobQueue) -> None:
        """Forget a job and all that it waits for."""
        queue.forget()
        self._shares.leave(queue)

    def next(self, now: float) -> tuple[JobQueue, Fetch] | None:
        """Give the fetch whose turn it is and count it as open; None if none may start now."""
        self._held_until = math.inf
        for queue in self._shares.in_turn():
            item = self._take(queue, now)
            if item is not None:
                self._shares.take(queue)
                return queue, item
        return None

    def _take(self, queue: JobQueue, now: float) -> Fetch | None:
        """Take a job's next fetch whose host may be asked now."""
        turns = queue.host_rotation
        for _ in range(len(turns)):
            key = turns.popleft()
            host = self._hosts.get(key) or self.host(key)
            if host.active >= int(host.limit) or host.not_before > now:
                turns.append(key)
                if host.not_before > now:
                    self._held_until = min(self._held_until, host.not_before)
                continue
            host.active += 1
            waiting = queue.hosts[key]
            item = waiting.popleft()
            item.host = host
            if waiting:
                turns.append(key)
            else:
                del queue.hosts[key]
            return item
        return None

    def give_back(self, queue: JobQueue, item: Fetch) -> None:
        """Note that what `next` gave is open no more."""
        if item.host is not None:
            item.host.active -= 1
            item.host = None
            self._shares.give_back(queue, item)

    def mark(self, item: Fetch, *, slow: bool) -> None:
        """Note whether an open transfer moves so little that it is hardly there."""
        self._shares.mark(item, slow=slow)

    def later(self, queue: JobQueue, item: Fetch, at: float) -> None:
        """Let a fetch wait until `at` (on the clock that `next` and `wake` are given)."""
        heapq.heappush(self._later, _Due(at, next(self._order), queue, item))

    def wake(self, now: float) -> None:
        """Put those whose time has come back into their queues.

        They go before the ones not yet tried; but where the host is in trouble behind them, so that
        a few bad files do not stand before many good ones.
        """
        self._now = now
        if self._held_until <= now:
            # `next` sees whom it held up. Where it is not called, for want of room, a time that has
            # passed must not have the loop look again and again.
            self._held_until = math.inf
        while self._later and self._later[0].at <= now:
            due = heapq.heappop(self._later)
            if not due.queue.removed:
                due.queue.push(due.item, first=self.host(due.item.host_key).is_well)

    def next_due(self) -> float:
        """Tell when there may be something to start, besides what ends make room for."""
        return min(self._later[0].at, self._held_until) if self._later else self._held_until

    def prefers_http2(self, queue: JobQueue, item: Fetch) -> bool:
        """Choose the protocol of a transfer that is about to begin."""
        if item.host is None or item.host_key[0] != "https":
            return False
        return item.host.protocol.http2(len(queue.hosts.get(item.host_key, ())))

    def give_up(self, key: HostKey, cause: Failure) -> list[Fetch]:
        """Take out all that wait for a host, of every job that saw it fall silent.

        Those jobs never ask it again; one that came later has its own patience.
        """
        since = self.host(key).silent_since
        taken: list[Fetch] = []
        for queue in self._shares.queues:
            if queue.joined_at <= since:
                queue.lost[key] = cause
                taken += queue.take_all(key)
        kept = []
        for due in self._later:
            if due.queue.removed:
                continue
            if due.item.host_key == key and key in due.queue.lost:
                taken.append(due.item)
            else:
                kept.append(due)
        heapq.heapify(kept)
        self._later = kept
        return taken

    def take_all(self) -> list[Fetch]:
        """Take out all that wait."""
        taken = [due.item for due in self._later if not due.queue.removed]
        self._later = []
        for queue in self._shares.queues:
            for key in tuple(queue.hosts):
                taken += queue.take_all(key)
        return taken

    def waiting(self) -> int:
        """Count the fetches that wait."""
        return len(self._later) + sum(
            len(waiting) for queue in self._shares.queues for waiting in queue.hosts.values()
        )

    def host(self, key: HostKey) -> HostHealth:
        """Give a host's standing."""
        host = self._hosts.get(key)
        if host is None:
            if len(self._hosts) >= self._forget_at:
                self._forget_some()
            host = self._hosts[key] = HostHealth(self._per_host, self._limits, self._at_first)
        return host

    def _forget_some(self) -> None:
        """Forget hosts that nothing is open to: they begin anew with the best standing.

        Not those that anybody waits for, now or later, nor those that are not to be asked yet.
        """
        wanted = {key for queue in self._shares.queues for key in queue.hosts}
        wanted.update(due.item.host_key for due in self._later if not due.queue.removed)
        for key in [key for key in self._hosts if key not in wanted]:
            host = self._hosts[key]
            if not host.active and host.not_before <= self._now:
                del self._hosts[key]
        self._forget_at = max(_HOSTS_REMEMBERED, 2 * len(self._hosts))


def jittered(delay: float) -> float:
    """Spread a back-off over half to all of `delay` seconds, so that retries do not come as one."""
    return delay * _jitter.uniform(0.5, 1.0)
