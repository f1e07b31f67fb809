"""Whose name is looked up next: clients take turns, then their jobs, and nobody holds every thread.

Owns the names that wait and how many lookups each client has running, up to a limit. Leaves
threads, time and the answers to `resolver.py`, which calls this under its lock. Pure.

A name that several clients wait for waits in the turn of each, so that nobody waits longer because
someone with many names asked for it first.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator


class Asker(NamedTuple):
    """On whose behalf a name is looked up: a client, and one of its jobs."""

    client: str = ""
    job: Hashable = None


@dataclass(slots=True, eq=False)
class Lookup:
    """A name to look up, and everyone who waits for it by deadline, the earliest first.

    `began` is when its lookup began, `holder` who is charged with it; None while it waits.
    """

    host: str
    port: int
    waiting: deque[tuple[float, Callable[[Any], None]]] = field(default_factory=deque)
    askers: set[Asker] = field(default_factory=set)
    began: float | None = None
    holder: Asker | None = None


class LookupTurns:
    """The names that wait; each client has at most `per_client` lookups running."""

    def __init__(self, per_client: int) -> None:
        self._per_client = per_client
        self._lookups: dict[str, Lookup] = {}
        # In rotation: who was served last is the last.
        self._by_asker: dict[Asker, dict[str, Lookup]] = {}
        self._clients: Counter[str] = Counter()
        self._askers: Counter[Asker] = Counter()

    def __len__(self) -> int:
        return len(self._lookups)

    def __iter__(self) -> Iterator[Lookup]:
        return iter(tuple(self._lookups.values()))

    def get(self, host: str) -> Lookup | None:
        """Return the waiting lookup of a host."""
        return self._lookups.get(host)

    def add(self, lookup: Lookup, asker: Asker) -> None:
        """Queue a name on behalf of an asker; it may wait on behalf of others already."""
        self._lookups[lookup.host] = lookup
        lookup.askers.add(asker)
        self._by_asker.setdefault(asker, {})[lookup.host] = lookup

    def remove(self, lookup: Lookup) -> None:
        """Remove a name that waits, for all who asked for it."""
        del self._lookups[lookup.host]
        for asker in lookup.askers:
            own = self._by_asker[asker]
            del own[lookup.host]
            if not own:
                del self._by_asker[asker]
        lookup.askers.clear()

    def take(self, now: float) -> Lookup | None:
        """Remove and return the lookup to begin now, charged to whose turn it is; None if none may.

        First whose client has the fewest running, then who has the fewest, then who was served
        longest ago; of one asker the first that was asked for.
        """
        able = [each for each in self._by_asker if self._clients[each.client] < self._per_client]
        if not able:
            return None
        asker = min(able, key=lambda each: (self._clients[each.client], self._askers[each]))
        lookup = next(iter(self._by_asker[asker].values()))
        self.remove(lookup)
        if asker in self._by_asker:
            self._by_asker[asker] = self._by_asker.pop(asker)
        lookup.began, lookup.holder = now, asker
        self._clients[asker.client] += 1
        self._askers[asker] += 1
        return lookup

    def ended(self, lookup: Lookup) -> None:
        """Discharge the holder of a lookup that has ended."""
        holder = lookup.holder
        if holder is None:
            return
        lookup.holder = None
        # A counter keeps what is zero; there is no end of clients and jobs.
        self._clients -= Counter({holder.client: 1})
        self._askers -= Counter({holder: 1})

    def clear(self) -> None:
        """Forget all that waits."""
        self._lookups.clear()
        self._by_asker.clear()
