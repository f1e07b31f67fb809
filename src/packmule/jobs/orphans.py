"""Archives in the storage of which no job is known, with when they were first found so.

Owns the table. An archive is an orphan only once it has been unknown for a while to this very
database: one that was set up or restored a moment ago knows little.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from packmule.jobs.database import writing
from packmule.jobs.schema import jobs, orphans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine

# Seconds after which a note of what nobody has seen again is forgotten.
_FORGET_AFTER = 30 * 86_400.0


class OrphanNotes:
    """Remembers unknown archives; `clock` gives seconds since the epoch."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def look(self, hashes: Sequence[str], older_than: float) -> list[str]:
        """Record which of the hashes are no job's; return those recorded so many seconds ago."""
        now = self._clock()
        with writing(self._engine) as connection:
            known = set(connection.scalars(select(jobs.c.hash).where(jobs.c.hash.in_(hashes))))
            noted = {
                row.hash: row.seen_at
                for row in connection.execute(select(orphans).where(orphans.c.hash.in_(hashes)))
            }
            back = known & noted.keys()
            if back:
                connection.execute(delete(orphans).where(orphans.c.hash.in_(back)))
            new = [
                {"hash": hash_, "seen_at": now}
                for hash_ in sorted(set(hashes) - known - noted.keys())
            ]
            if new:
                connection.execute(insert(orphans), new)
        return sorted(h for h in noted.keys() - known if now - noted[h] >= older_than)

    def forget(self, hash_: str) -> None:
        """Forget one that is removed, and all that were seen last long ago."""
        long_ago = orphans.c.seen_at < self._clock() - _FORGET_AFTER
        with writing(self._engine) as connection:
            connection.execute(delete(orphans).where((orphans.c.hash == hash_) | long_ago))
