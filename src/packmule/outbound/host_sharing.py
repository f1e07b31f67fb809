"""Divide a host's limit among the workers of a fleet, and share its pauses.

Owns the arithmetic. Leaves telling the other workers to `worker/host_claims.py`, and applying it to
`fetch_scheduler.py`. Pure.

Each worker claims, about once a second, as many transfers of a host as it may start, and learns
what the others have claimed. The claims of all workers add up to the limit at most: a worker gives
up at once what it has too much of, and lowers its claim when those transfers have ended; it uses
what it gains only one round after it has claimed it, when the others know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_CLAIMS: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class HostUse:
    """What this worker does with a host.

    `limit` is the host's limit for all workers together, `allowed` how many transfers this worker
    may have open, `active` how many it has, `paused_for` for how many seconds more the host is to
    be left alone. `is_wanted`: it has transfers open or waiting.
    """

    limit: int
    allowed: int
    active: int
    paused_for: float = 0.0
    is_wanted: bool = True


@dataclass(frozen=True, slots=True)
class HostClaim:
    """What a worker tells the others of a host.

    It starts no more than `transfers`, and `paused_for` is as in `HostUse`.
    """

    transfers: int
    paused_for: float = 0.0
    is_wanted: bool = True


@dataclass(frozen=True, slots=True)
class FleetClaims:
    """What the other live workers have claimed.

    `me` is this worker's name, `others` are the names of the live ones, `claims` those of each host
    by worker. `pauses` are all the pauses of hosts, in seconds from now, also of workers that have
    ended. `is_known`: the others have had the time to notice this worker. `turn` grows by one now
    and then, for all workers at the same time.
    """

    me: str
    others: tuple[str, ...] = ()
    claims: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pauses: Mapping[str, float] = field(default_factory=dict)
    is_known: bool = True
    turn: int = 0

    def share(self, host: str, limit: int) -> int:
        """Return how many transfers this worker may claim of a host that it wants.

        Those who want the host get equal parts. What cannot be divided goes to each of them in
        turn, so that all make progress even if the limit is below the number of workers.
        """
        theirs = self.claims.get(host, NO_CLAIMS)
        names = sorted({self.me, *theirs})
        place = (names.index(self.me) + self.turn) % len(names)
        equal = limit // len(names) + (place < limit % len(names))
        return max(0, min(equal, limit - sum(theirs.values())))

    def at_first(self, host: str, limit: int) -> int:
        """Return how many transfers this worker may start of a host that it has not claimed yet.

        As if all others began with the host in the same moment. None while others may still take
        themselves to be alone.
        """
        if self.others and not self.is_known:
            return 0
        claimed = sum(self.claims.get(host, NO_CLAIMS).values())
        return max(0, min(limit // (1 + len(self.others)), limit - claimed))


ALONE = FleetClaims("")
"""No other worker is known."""


def claim(use: HostUse, share: int, claimed: int) -> tuple[HostClaim, int]:
    """Return what to claim of a host, and how many transfers may be open until the next round.

    `claimed` is what was claimed in the round before.
    """
    allowed = min(share, max(claimed, use.allowed))
    # What is open or was allowed until now stays claimed for one round more.
    kept = max(share, use.allowed, use.active) if use.is_wanted else 0
    return HostClaim(kept, use.paused_for, is_wanted=use.is_wanted), allowed
