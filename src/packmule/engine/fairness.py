"""Fairness: which waiting task begins next, and when a running one makes room. Pure.

Owns fairness between clients: the client with the fewest tasks in work goes first, and of its own
tasks the one with the highest priority. Waiting counts too, so no task waits for ever: one step of
priority is worth an hour of waiting. A client's priorities matter only among its own tasks.

Owns how long a task can hold up others. `most` tasks of a kind run at once, but long ones don't
count, up to a bound. At the bound the task that has run longest is asked to stop if others wait,
and resumes later: soon if other clients wait and its client holds more than its share. Each time it
may run twice as long, so that a task that loses progress when stopped still comes to its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PRIORITY_SECONDS = 3600.0
"""What a step of priority is worth, in seconds of waiting."""

LASTS_AFTER = 2.0
"""Seconds in work after which a task no longer counts."""

LASTING_TIMES = 3
"""Tasks that last, as a multiple of `most`: more of them count again."""

SLICE = 60.0
"""Seconds in work after which a task may be asked to stop for others; each time twice as many."""

SHORT_SLICE = 10.0
"""The same of a client that holds more than its share, where other clients wait."""

_MOST_DOUBLINGS = 20


class Waiting(NamedTuple):
    """A task that might begin now."""

    id: int
    client: str
    priority: int
    due_at: float


def choose(waiting: Iterable[Waiting], in_work: Mapping[str, int], most: int) -> list[int]:
    """Return the IDs of the tasks to begin now, at most `most`, in order.

    `in_work` counts each client's tasks that are in work already.
    """
    by_client: defaultdict[str, list[Waiting]] = defaultdict(list)
    for one in waiting:
        by_client[one.client].append(one)
    for own in by_client.values():
        own.sort(key=_rank, reverse=True)
    chosen: list[int] = []
    counts = {client: in_work.get(client, 0) for client in by_client}
    while by_client and len(chosen) < most:
        client = min(by_client, key=lambda each: (counts[each], _rank(by_client[each][-1])))
        chosen.append(by_client[client].pop().id)
        counts[client] += 1
        if not by_client[client]:
            del by_client[client]
    return chosen


def _rank(one: Waiting) -> tuple[float, int]:
    return one.due_at - PRIORITY_SECONDS * one.priority, one.id


def room(ages: Sequence[float], most: int) -> int:
    """Return how many more of a kind may begin, given how long each one in work has run."""
    lasting = sum(age >= LASTS_AFTER for age in ages)
    return max(0, most - len(ages) + min(lasting, LASTING_TIMES * most))


def is_full(ages: Sequence[float], most: int) -> bool:
    """Return whether not even long tasks make room any more."""
    return len(ages) >= most * (1 + LASTING_TIMES)


def over_share(holders: Sequence[str], waiting: Iterable[str]) -> frozenset[str]:
    """Return the clients that hold more than an even share while other clients wait.

    `holders` names the client of each task in work, `waiting` those of tasks that wait. Nobody's
    only task is more than its share.
    """
    counts = Counter(holders)
    others = set(waiting)
    share = max(1.0, len(holders) / max(1, len(counts.keys() | others)))
    return frozenset(
        client for client, count in counts.items() if count > share and others - {client}
    )


def slice_of(times_stopped: int, *, is_over: bool = False) -> float:
    """Return the seconds a task may run before it is asked to stop for others.

    `is_over`: its client holds more than its share.
    """
    begin = SHORT_SLICE if is_over else SLICE
    return begin * 2.0 ** min(times_stopped, _MOST_DOUBLINGS)
