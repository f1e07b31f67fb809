"""One job's waiting fetches, grouped by host.

Owns the per-host queues of one job and the order in which its hosts take turns. Leaves whose job is
next to `transfer_shares.py` and which host may be asked to `fetch_scheduler.py`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from packmule.telemetry.context import NOTHING, Fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from packmule.errors import Failure
    from packmule.outbound.fetch import Fetch

HostKey = tuple[str, str, int]


def _not_planned(position: int) -> Fetch:
    raise RuntimeError(f"nobody makes the planned fetch {position}")


class JobQueue:
    """The fetches of one job that wait; `lost` maps the hosts it has given up to the cause.

    `about` identifies the job in the log, `client` is who asked for it. `open_at` counts its open
    transfers by host, `looked_up` are the names of hosts looked up before their turn. `weight` is
    its share among that client's jobs: priority 2 gets three times the share of priority 0, and -2
    a third of it. `make` makes a planned fetch, in the transfer loop's thread.
    """

    __slots__ = (
        "about",
        "client",
        "host_rotation",
        "hosts",
        "joined_at",
        "looked_up",
        "lost",
        "make",
        "open",
        "open_at",
        "rank",
        "removed",
        "weight",
    )  # fmt: skip

    def __init__(self, about: Fields = NOTHING, *, client: str = "", priority: int = 0) -> None:
        self.about = about
        self.make: Callable[[int], Fetch] = _not_planned
        self.client = client
        self.weight = 1.0 + priority if priority >= 0 else 1.0 / (1.0 - priority)
        self.open = 0
        self.looked_up: set[str] = set()
        self.open_at: dict[HostKey, int] = {}
        self.rank: tuple[float, int] = (0.0, 0)
        self.hosts: dict[HostKey, deque[Fetch | int]] = {}
        self.host_rotation: deque[HostKey] = deque()
        self.lost: dict[HostKey, Failure] = {}
        self.joined_at = 0.0
        self.removed = False

    def push(self, item: Fetch, *, first: bool = False) -> None:
        """Add a fetch behind the others of its host or, if `first`, before them."""
        waiting = self._waiting(item.host_key)
        if first:
            waiting.appendleft(item)
        else:
            waiting.append(item)

    def plan(self, key: HostKey, position: int) -> None:
        """Add a fetch of this host by its position: it is made when its turn comes."""
        self._waiting(key).append(position)

    def pop(self, key: HostKey) -> Fetch:
        """Remove and return the next fetch of a host whose turn it is, and count it as open."""
        waiting = self.hosts[key]
        item = waiting.popleft()
        if waiting:
            self.host_rotation.append(key)
        else:
            del self.hosts[key]
        self.opened(key)
        return self.make(item) if isinstance(item, int) else item

    def opened(self, key: HostKey) -> None:
        """Count a transfer to a host as open."""
        self.open_at[key] = self.open_at.get(key, 0) + 1

    def returned(self, key: HostKey) -> None:
        """Record that a fetch that was popped is no longer open."""
        left = self.open_at[key] - 1
        if left:
            self.open_at[key] = left
        else:
            del self.open_at[key]

    def take_all(self, key: HostKey) -> Iterable[Fetch]:
        """Remove and return every fetch that waits for one host."""
        if key not in self.hosts:
            return ()
        self.host_rotation.remove(key)
        waiting = self.hosts.pop(key)
        return [self.make(item) if isinstance(item, int) else item for item in waiting]

    def _waiting(self, key: HostKey) -> deque[Fetch | int]:
        waiting = self.hosts.get(key)
        if waiting is None:
            waiting = self.hosts[key] = deque()
            self.host_rotation.append(key)
        return waiting

    def take_everything(self) -> list[Fetch]:
        """Remove and return every fetch."""
        return [item for key in tuple(self.hosts) for item in self.take_all(key)]

    def forget(self) -> None:
        """Drop everything that waits: the job is gone."""
        self.removed = True
        self.hosts.clear()
        self.host_rotation.clear()
        self.lost.clear()
