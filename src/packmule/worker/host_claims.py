"""What each worker of a fleet claims of a host, and for how long hosts are to be left alone.

Owns the table `host_claims`, and which workers count as alive. Leaves the arithmetic to
`outbound/host_sharing.py`, and when to ask to `host_exchange.py`. On PostgreSQL all times are the
database's own, so that the clocks of the machines need not agree.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import delete, extract, func, insert, or_, select

from packmule.jobs.database import reading, writing
from packmule.jobs.schema import host_claims
from packmule.outbound.host_sharing import FleetClaims, HostClaim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, Engine

LEASE = 15.0
"""Seconds without a word after which a worker's claims are void."""
TURN = 30.0
"""Seconds after which it is another worker's turn to have what cannot be divided."""

_PRESENCE = ""  # the row, instead of a host, that says when a worker was last seen


class HostClaims:
    """The claims of all workers on the hosts they fetch from."""

    def __init__(self, database: Engine, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def read(self, me: str) -> FleetClaims:
        """Return what the other live workers claim. Raises StorageFailed."""
        with reading(self._database) as connection:
            now = self._now(connection)
            rows = connection.execute(select(host_claims).where(host_claims.c.worker != me)).all()
        alive = {
            row.worker
            for row in rows
            # In the future if the clock was set back since.
            if row.host == _PRESENCE and abs(now - row.seen_at) < LEASE
        }
        claims: dict[str, dict[str, int]] = {}
        pauses: dict[str, float] = {}
        for row in rows:
            if row.is_wanted and row.worker in alive and row.host != _PRESENCE:
                claims.setdefault(row.host, {})[row.worker] = row.transfers
            if row.paused_until is not None and row.paused_until > now:
                pauses[row.host] = max(pauses.get(row.host, 0.0), row.paused_until - now)
        return FleetClaims(me, tuple(sorted(alive)), claims, pauses, turn=int(now // TURN))

    def write(self, me: str, claims: Mapping[str, HostClaim]) -> None:
        """Replace a worker's claims, and record that it is alive.

        Raises StorageFailed, DiskFull.
        """
        with writing(self._database) as connection:
            now = self._now(connection)
            connection.execute(delete(host_claims).where(host_claims.c.worker == me))
            connection.execute(insert(host_claims), [
                _row(me, _PRESENCE, HostClaim(0, is_wanted=False), now),
                *(_row(me, host, each, now) for host, each in claims.items()),
            ])  # fmt: skip

    def leave(self, me: str) -> None:
        """Remove a worker that ends, and what is left of dead ones; but no pause before its end.

        Raises StorageFailed, DiskFull.
        """
        with writing(self._database) as connection:
            now = self._now(connection)
            gone = or_(host_claims.c.worker == me, host_claims.c.seen_at < now - LEASE)
            is_over = or_(host_claims.c.paused_until.is_(None), host_claims.c.paused_until <= now)
            connection.execute(delete(host_claims).where(gone, is_over))

    def _now(self, connection: Connection) -> float:
        if connection.dialect.name != "postgresql":
            return self._clock()
        return float(connection.execute(select(extract("epoch", func.now()))).scalar_one())


def _row(worker: str, host: str, claim: HostClaim, now: float) -> dict[str, object]:
    return {
        "worker": worker,
        "host": host,
        "transfers": claim.transfers,
        "is_wanted": claim.is_wanted,
        "paused_until": now + claim.paused_for if claim.paused_for else None,
        "seen_at": now,
    }
