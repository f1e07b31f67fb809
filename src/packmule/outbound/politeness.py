"""Who may ask next: fair between jobs, bounded for each host, patient with one in trouble.

Owns which waiting fetch starts, waiting for a retry's time, and which fetches go with a host that
is given up. Leaves whose job is next to `shares.py`, what a host bears to `standing.py`, why a try
failed to `transfer.py` and the sockets to `curl.py`. Decides synchronously; the clock is handed in.

A lane is one job's fetches. Lanes have shares, and within a lane its hosts take turns, so neither a
huge job nor a slow host starves another; a host's bound holds over all lanes.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from packmule.outbound.shares import Shares
from packmule.outbound.standing import AT_FIRST, Host
from packmule.outbound.transfer import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packmule.errors import Failure
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.lane import HostKey, Lane

_jitter = random.SystemRandom()
_HOSTS_REMEMBERED = 4096


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    lane: Lane = field(compare=False)
    item: Fetch = field(compare=False)


class Schedule:
    """All lanes and hosts of one transfer loop."""

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
        self._shares = Shares(transfers)
        self._hosts: dict[HostKey, Host] = {}
        self._later: list[_Due] = []
        self._order = count()
        self._held_until = math.inf
        self._now = 0.0
        self._forget_at = _HOSTS_REMEMBERED

    def add(self, lane: Lane, items: Iterable[Fetch], now: float = 0.0) -> None:
        """Let a job take part."""
        for item in items:
            lane.push(item)
        lane.joined_at = now
        self._shares.join(lane)

    def remove(self, lane: Lane) -> None:
        """Forget a job and all that it waits for."""
        lane.forget()
        self._shares.leave(lane)

    def next(self, now: float) -> tuple[Lane, Fetch] | None:
        """Give the fetch whose turn it is and count it as open; None if none may start now."""
        self._held_until = math.inf
        for lane in self._shares.in_turn():
            item = self._take(lane, now)
            if item is not None:
                self._shares.take(lane)
                return lane, item
        return None

    def _take(self, lane: Lane, now: float) -> Fetch | None:
        """Take a job's next fetch whose host may be asked now."""
        turns = lane.turns
        for _ in range(len(turns)):
            key = turns.popleft()
            host = self._hosts.get(key) or self.host(key)
            if host.active >= int(host.limit) or host.not_before > now:
                turns.append(key)
                if host.not_before > now:
                    self._held_until = min(self._held_until, host.not_before)
                continue
            host.active += 1
            waiting = lane.hosts[key]
            item = waiting.popleft()
            item.host = host
            if waiting:
                turns.append(key)
            else:
                del lane.hosts[key]
            return item
        return None

    def give_back(self, lane: Lane, item: Fetch) -> None:
        """Note that what `next` gave is open no more."""
        if item.host is not None:
            item.host.active -= 1
            item.host = None
            self._shares.give_back(lane, item)

    def mark(self, item: Fetch, *, slow: bool) -> None:
        """Note whether an open transfer moves so little that it is hardly there."""
        self._shares.mark(item, slow=slow)

    def later(self, lane: Lane, item: Fetch, at: float) -> None:
        """Let a fetch wait until `at` (on the clock that `next` and `wake` are given)."""
        heapq.heappush(self._later, _Due(at, next(self._order), lane, item))

    def wake(self, now: float) -> None:
        """Put those whose time has come back into their lanes.

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
            if not due.lane.removed:
                due.lane.push(due.item, first=self.host(due.item.host_key).is_well)

    def next_due(self) -> float:
        """Tell when there may be something to start, besides what ends make room for."""
        return min(self._later[0].at, self._held_until) if self._later else self._held_until

    def prefers_http2(self, lane: Lane, item: Fetch) -> bool:
        """Choose the protocol of a transfer that is about to begin."""
        if item.host is None or item.host_key[0] != "https":
            return False
        return item.host.protocol.http2(len(lane.hosts.get(item.host_key, ())))

    def give_up(self, key: HostKey, cause: Failure) -> list[Fetch]:
        """Take out all that wait for a host, of every job that saw it fall silent.

        Those jobs never ask it again; one that came later has its own patience.
        """
        since = self.host(key).silent_since
        taken: list[Fetch] = []
        for lane in self._shares.lanes:
            if lane.joined_at <= since:
                lane.lost[key] = cause
                taken += lane.take_all(key)
        kept = []
        for due in self._later:
            if due.lane.removed:
                continue
            if due.item.host_key == key and key in due.lane.lost:
                taken.append(due.item)
            else:
                kept.append(due)
        heapq.heapify(kept)
        self._later = kept
        return taken

    def take_all(self) -> list[Fetch]:
        """Take out all that wait."""
        taken = [due.item for due in self._later if not due.lane.removed]
        self._later = []
        for lane in self._shares.lanes:
            for key in tuple(lane.hosts):
                taken += lane.take_all(key)
        return taken

    def waiting(self) -> int:
        """Count the fetches that wait."""
        return len(self._later) + sum(
            len(waiting) for lane in self._shares.lanes for waiting in lane.hosts.values()
        )

    def host(self, key: HostKey) -> Host:
        """Give a host's standing."""
        host = self._hosts.get(key)
        if host is None:
            if len(self._hosts) >= self._forget_at:
                self._forget_some()
            host = self._hosts[key] = Host(self._per_host, self._limits, self._at_first)
        return host

    def _forget_some(self) -> None:
        """Forget hosts that nothing is open to: they begin anew with the best standing.

        Not those that anybody waits for, now or later, nor those that are not to be asked yet.
        """
        wanted = {key for lane in self._shares.lanes for key in lane.hosts}
        wanted.update(due.item.host_key for due in self._later if not due.lane.removed)
        for key in [key for key in self._hosts if key not in wanted]:
            host = self._hosts[key]
            if not host.active and host.not_before <= self._now:
                del self._hosts[key]
        self._forget_at = max(_HOSTS_REMEMBERED, 2 * len(self._hosts))


def jittered(delay: float) -> float:
    """Spread a back-off over half to all of `delay` seconds, so that retries do not come as one."""
    return delay * _jitter.uniform(0.5, 1.0)
