"""Decide which waiting fetch starts next: fair to jobs, bounded per host, patient in trouble.

Owns the choice of the next fetch, the wait before a retry, and which fetches fail together with a
host that is given up. Leaves whose job is next to `transfer_shares.py`, how much load a host can
take to `host_health.py`, why a try failed to `transfer.py`, and sockets to `transfer_loop.py`.
Decides synchronously; the caller passes in the clock.

Each job has a queue. Queues share the transfers, and within a queue the hosts take turns, so
neither a huge job nor a slow host starves another. A host's limit holds across all queues, and with
`share_hosts` across all workers. A host that has more of a job's transfers than the others on
average, because it is slow, gets the next one only if no other host can take it.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from packmule.outbound.concurrency import Concurrency
from packmule.outbound.host_health import AT_FIRST, HostHealth
from packmule.outbound.host_limits import HostLimit, counts_downloads, most_connections
from packmule.outbound.host_sharing import ALONE, HostUse
from packmule.outbound.transfer import Limits
from packmule.outbound.transfer_shares import TransferShares

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packmule.errors import Failure
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.host_sharing import FleetClaims
    from packmule.outbound.job_queue import HostKey, JobQueue

_jitter = random.SystemRandom()
_AT_FIRST = 128
"""Transfers to all hosts together, before it is known that more of them bring more."""
_HOSTS_REMEMBERED = 4096
_HOSTS_TOLD = 500


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    queue: JobQueue = field(compare=False)
    item: Fetch = field(compare=False)


class FetchScheduler:
    """Schedules the fetches of every job over every host, for one transfer loop."""

    def __init__(
        self,
        *,
        per_host: int,
        at_first: int = AT_FIRST,
        transfers: int = 256,
        limits: Limits | None = None,
        host_limits: Mapping[str, HostLimit] | None = None,
    ) -> None:
        self._per_host = per_host
        self._at_first = at_first
        self._limits = limits or Limits()
        self._host_limits = host_limits or {}
        self._overall = Concurrency(max(_AT_FIRST, transfers // 2), transfers)
        self._shares = TransferShares(int(self._overall.limit))
        self._work = 0
        self._in_work: dict[HostKey, HostHealth] = {}
        self._hosts: dict[HostKey, HostHealth] = {}
        self._later: list[_Due] = []
        self._order = count()
        self._held_until = math.inf
        self._now = 0.0
        self._forget_at = _HOSTS_REMEMBERED
        self._fleet = ALONE
        self._fleet_pauses: dict[str, float] = {}

    def __repr__(self) -> str:
        shares = self._shares
        return (
            f"<FetchScheduler jobs={len(shares.queues)} waiting={self.waiting()} "
            f"retries={len(self._later)} open={shares.open} slow={shares.slow} "
            f"hosts={len(self._hosts)}>"
        )

    def add(self, queue: JobQueue, items: Iterable[Fetch], now: float = 0.0) -> None:
        """Add a job and its fetches."""
        for item in items:
            queue.push(item)
        queue.joined_at = now
        self._shares.join(queue)

    def remove(self, queue: JobQueue) -> None:
        """Remove a job and everything it waits for."""
        queue.forget()
        self._shares.leave(queue)

    def next(self, now: float) -> tuple[JobQueue, Fetch] | None:
        """Return the fetch whose turn it is and count it as open; None if none may start now."""
        self._held_until = math.inf
        for queue in self._shares.in_turn():
            item = self._take(queue, now)
            if item is not None:
                self._shares.take(queue)
                return queue, item
        return None

    def measure(self, now: float) -> bool:
        """Look at what has come until now; return whether more transfers may be open."""
        shares, overall = self._shares, self._overall
        is_more = False
        for host in self._in_work.values():
            is_more |= host.measure(now)
            self._work += host.gained
        overall.answered(shares.open)
        is_more |= overall.measure(now, self._work, shares.counted)
        shares.transfers = int(overall.limit)
        return is_more

    def _take(self, queue: JobQueue, now: float) -> Fetch | None:
        """Remove and return a job's next fetch whose host may be asked now."""
        turns, open_at = queue.host_rotation, queue.open_at
        hosts = max(len(turns), len(open_at))
        second: tuple[HostKey, HostHealth] | None = None
        for _ in range(len(turns)):
            key = turns.popleft()
            host = self._hosts.get(key) or self.host(key)
            if host.not_before > now:
                self._held_until = min(self._held_until, host.not_before)
            elif host.active < host.allowed and host.active < int(host.limit):
                if open_at.get(key, 0) * hosts <= queue.open:
                    return self._begin(queue, key, host)
                second = second or (key, host)
            turns.append(key)
        if second is None:
            return None
        turns.remove(second[0])
        return self._begin(queue, *second)

    def _begin(self, queue: JobQueue, key: HostKey, host: HostHealth) -> Fetch:
        item = queue.pop(key)
        self._count(host, item)
        return item

    def _count(self, host: HostHealth, item: Fetch) -> None:
        if not host.active:
            self._in_work[item.host_key] = host
        host.active += 1
        item.host, item.rank = host, host.active

    def room_for_segments(self, key: HostKey, now: float) -> int:
        """Return how many more transfers a host may get that no waiting file wants.

        To be asked when `next` has just found no file that may begin.
        """
        host, shares = self.host(key), self._shares
        if host.not_before > now or not shares.has_room:
            return 0
        return min(host.allowed, int(host.limit), host.active + shares.room) - host.active

    def begin_segment(self, queue: JobQueue, item: Fetch) -> None:
        """Count a transfer as open for which there is room, and which waited in no queue."""
        self._count(self.host(item.host_key), item)
        queue.opened(item.host_key)
        self._shares.take(queue)

    def is_wanted(self, key: HostKey, now: float) -> bool:
        """Return whether a file waits that could begin if one transfer to that host ended."""
        host, has_room = self.host(key), self._shares.has_room
        if host.active >= min(host.allowed, int(host.limit)):
            is_here = host.not_before <= now and host.active <= host.allowed
            if is_here and any(key in queue.hosts for queue in self._shares.queues):
                return True
        if has_room:
            return False
        return any(
            other.not_before <= now and other.active < min(other.allowed, int(other.limit))
            for queue in self._shares.queues
            for other in map(self.host, tuple(queue.hosts))
        )

    def give_back(self, queue: JobQueue, item: Fetch) -> None:
        """Record that a fetch returned by `next` is no longer open."""
        if item.host is not None:
            item.host.active -= 1
            if not item.host.active:
                del self._in_work[item.host_key]
            queue.returned(item.host_key)
            item.host = None
            self._shares.give_back(queue, item)

    def mark(self, item: Fetch, *, slow: bool) -> None:
        """Record whether an open transfer is slow, so that it hardly counts."""
        self._shares.mark(item, slow=slow)

    def later(self, queue: JobQueue, item: Fetch, at: float) -> None:
        """Schedule a retry for `at`, on the clock that is passed to `next` and `wake`."""
        heapq.heappush(self._later, _Due(at, next(self._order), queue, item))

    def wake(self, now: float) -> None:
        """Put retries whose time has come back into their queues.

        They go before files not yet tried. If the host is in trouble they go behind them, so that a
        few bad files do not hold up many good ones.
        """
        self._now = now
        if self._held_until <= now:
            # `next` finds out again which hosts are on hold. Nobody calls it while there is no
            # room, and then a time that has passed must not make the loop spin.
            self._held_until = math.inf
        while self._later and self._later[0].at <= now:
            due = heapq.heappop(self._later)
            if not due.queue.removed:
                due.queue.push(due.item, first=self.host(due.item.host_key).is_well)

    def next_due(self) -> float:
        """Return when a fetch may become due, apart from room that a transfer's end makes."""
        return min(self._later[0].at, self._held_until) if self._later else self._held_until

    def prefers_http2(self, queue: JobQueue, item: Fetch) -> bool:
        """Return whether a transfer that is about to begin should use HTTP/2."""
        if item.host is None or item.host_key[0] != "https":
            return False
        waiting = len(queue.hosts.get(item.host_key, ()))
        return item.host.protocol.http2(waiting, item.host.limit)

    def give_up(self, key: HostKey, cause: Failure, since: float) -> list[Fetch]:
        """Remove and return what waits for a host, of all jobs that were there at that time.

        Those jobs never ask it again; a job added later starts with full patience.
        """
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
        """Remove and return every fetch that waits."""
        taken = [due.item for due in self._later if not due.queue.removed]
        self._later = []
        for queue in self._shares.queues:
            taken += queue.take_everything()
        return taken

    def waiting(self) -> int:
        """Return how many fetches wait, retries included."""
        return len(self._later) + sum(
            len(waiting) for queue in self._shares.queues for waiting in queue.hosts.values()
        )

    def host(self, key: HostKey) -> HostHealth:
        """Return a host's health; a new host is well."""
        host = self._hosts.get(key)
        if host is None:
            if len(self._hosts) >= self._forget_at:
                self._forget_some()
            most = most_connections(key[1], self._host_limits, self._per_host)
            host = self._hosts[key] = (
                HostHealth(self._per_host, self._limits, self._at_first)
                if most is None
                else HostHealth(most, self._limits, most)
            )
            host.waits.counts_downloads = counts_downloads(key[1])
            self._keep_to_fleet(host, _name(key))
        return host

    def host_uses(self, now: float) -> dict[str, HostUse]:
        """Return what the other workers must know: by host, like https://example.org:443.

        That is where transfers are open, and where none may be opened that is waited for, or not
        yet. A job of very many hosts has them told of bit by bit.
        """
        waiting = {key for queue in self._shares.queues for key in queue.hosts}
        return {
            _name(key): HostUse(
                limit=host.per_host,
                allowed=host.allowed,
                active=host.active,
                paused_for=max(0.0, host.paused_until - now),
                is_wanted=host.active > 0 or key in waiting,
            )
            for key, host in sorted(self._told(waiting, now), key=_is_idle)[:_HOSTS_TOLD]
        }

    def _told(self, waiting: set[HostKey], now: float) -> Iterator[tuple[HostKey, HostHealth]]:
        for key, host in self._hosts.items():
            if host.active or host.paused_until > now or (not host.allowed and key in waiting):
                yield key, host

    def share_hosts(self, fleet: FleetClaims, allowed: Mapping[str, int], now: float) -> None:
        """Keep to what was agreed with the other workers: `allowed` transfers of a host.

        Of other hosts this worker may begin with so many that the limit holds whatever they do.
        """
        self._fleet = fleet
        self._fleet_pauses = {host: now + seconds for host, seconds in fleet.pauses.items()}
        for key, host in self._hosts.items():
            name = _name(key)
            self._keep_to_fleet(host, name)
            host.allowed = allowed.get(name, host.allowed)

    def _keep_to_fleet(self, host: HostHealth, name: str) -> None:
        host.allowed = self._fleet.at_first(name, host.per_host)
        pause = self._fleet_pauses.get(name)
        if pause is not None and pause > host.not_before:
            host.heed_pause(pause)

    def _forget_some(self) -> None:
        """Forget hosts that nothing needs: when they come back they are taken to be well.

        A host is needed while a transfer to it is open, a fetch or a retry waits for it, or it is
        on hold.
        """
        wanted = {key for queue in self._shares.queues for key in queue.hosts}
        wanted.update(due.item.host_key for due in self._later if not due.queue.removed)
        for key in [key for key in self._hosts if key not in wanted]:
            host = self._hosts[key]
            if not host.active and host.not_before <= self._now:
                del self._hosts[key]
        self._forget_at = max(_HOSTS_REMEMBERED, 2 * len(self._hosts))


def _is_idle(told: tuple[HostKey, HostHealth]) -> bool:
    return not told[1].active


def _name(key: HostKey) -> str:
    scheme, host, port = key
    return f"{scheme}://{host}:{port}"


def jittered(delay: float) -> float:
    """Return half to all of `delay` seconds at random, so that retries do not come all at once."""
    return delay * _jitter.uniform(0.5, 1.0)
