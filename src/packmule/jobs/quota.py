"""The quota: how many jobs a client may have open at once, and how many bytes it may hold.

Owns the check and its words. It runs within the transaction that puts a job into the queue, after
the job is in it, and undoes it by raising: no two requests can both get the last place. SQLite lets
one writer in at a time; on PostgreSQL an advisory lock a client does the same.

Bytes held are the archives that can still be downloaded, and what open and failed jobs take up, as
far as that is known: a failed job keeps what it has for a retry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from packmule.errors import QuotaExceeded
from packmule.jobs import queries

if TYPE_CHECKING:
    from sqlalchemy import Connection

# The first half of the advisory lock's name; any constant does that no other lock of ours has.
_LOCKS = 0x71756F74

# When a job of a client will end, nobody knows: a pause that costs little to both.
_PAUSE = 30.0
_GIGA = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """What a client may have at once; None is no limit."""

    jobs: int | None = None
    held_bytes: int | None = None

    def __bool__(self) -> bool:
        return self.jobs is not None or self.held_bytes is not None


UNLIMITED = Quota()


def enter(connection: Connection, client: str, quota: Quota) -> None:
    """Wait until no other transaction counts this client's jobs; to be called first."""
    if quota and connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCKS, func.hashtext(client))))


def check(
    connection: Connection, client: str, quota: Quota, now: float, *, coming: int = 0
) -> None:
    """Count a client's jobs, with those just put in and those `coming`. Raises QuotaExceeded."""
    if quota.jobs is not None:
        opened = connection.execute(queries.OPEN_JOBS, {"of_client": client}).scalar_one()
        opened += coming
        if opened > quota.jobs:
            raise QuotaExceeded(
                f"You have {opened - 1} jobs open, and {quota.jobs} may be open at once; wait "
                "until one has ended, or cancel one.",
                _PAUSE,
            )
    if quota.held_bytes is not None:
        held = connection.execute(queries.HELD_BYTES, {"of_client": client}).one()
        if held.total >= quota.held_bytes:
            raise QuotaExceeded(
                f"Your archives and open jobs hold {_giga(int(held.total))}, and "
                f"{_giga(quota.held_bytes)} may be held at once; delete an archive, or wait until "
                "one expires.",
                _until(held.first_expiry, now),
            )


def _until(expiry: float | None, now: float) -> float:
    """Return the seconds until an archive expires; without one, a pause."""
    return _PAUSE if expiry is None else max(expiry - now, _PAUSE)


def _giga(amount: int) -> str:
    return f"{amount / _GIGA:.3g} GB" if amount >= _GIGA else f"{amount} bytes"
