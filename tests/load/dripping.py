"""Good jobs beside sources that drip: they end about as soon as they would alone.

All are one client's, which is the harder case: nobody is kept apart from his own jobs.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.load.caller import Caller, quantile
from tests.spec.service import until

if TYPE_CHECKING:
    from tests.load.origin import Origin
    from tests.spec.service import Service

AT_ONCE = 4
_LOOK_EVERY = 0.03
_SETTLED_AFTER = 3.0
_LONGEST = 60.0
_FIRST = 1_000_000
"""The number of the first good file, beyond those of other loads."""


@dataclass(frozen=True, slots=True)
class Said:
    """Seconds from a job's post to its end, of each good job: alone, and beside the drips."""

    alone: list[float]
    beside: list[float]
    dripping: int

    @property
    def p95(self) -> tuple[float, float]:
        """Seconds within which 95 of 100 ended: alone, beside."""
        return quantile(self.alone, 0.95), quantile(self.beside, 0.95)


def play(service: Service, origin: Origin, *, sources: int, jobs: int, good: int) -> Said:
    """Post good jobs, then so many dripping sources in so many jobs, and good jobs again."""
    alone = _good(service, origin, range(_FIRST, _FIRST + good))
    caller = Caller(service)
    urls = [origin.drip(number) for number in range(sources)]
    slow = [caller.create(urls[first::jobs]) for first in range(jobs)]
    dripping = _settled(origin)
    beside = _good(service, origin, range(_FIRST + good, _FIRST + 2 * good))
    for archive_hash in slow:
        caller.ask("POST", f"/api/archive/cancel/{archive_hash}")
    caller.close()
    until(lambda: not origin.dripping, "nothing drips any more")
    return Said(alone, beside, dripping)


def _settled(origin: Origin) -> int:
    """Wait until no more sources begin to drip, and count those that do."""
    deadline = time.monotonic() + _LONGEST
    most, since = 0, time.monotonic()
    while time.monotonic() < min(deadline, since + _SETTLED_AFTER):
        if len(origin.dripping) > most:
            most, since = len(origin.dripping), time.monotonic()
        time.sleep(0.1)
    return most


def _good(service: Service, origin: Origin, numbers: range) -> list[float]:
    """Do a job of one file for each number, some at once; give the seconds of each."""

    def one(of: range) -> list[float]:
        caller, took = Caller(service), []
        for number in of:
            began = time.monotonic()
            archive_hash = caller.create([origin.small(number)])
            while (word := caller.status(archive_hash)) == "in-progress":
                assert time.monotonic() < began + _LONGEST, f"not within {_LONGEST:g} s"
                time.sleep(_LOOK_EVERY)
            assert word == "completed", word
            took.append(time.monotonic() - began)
        caller.close()
        return took

    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = pool.map(one, [numbers[first::AT_ONCE] for first in range(AT_ONCE)])
        return [seconds for part in parts for seconds in part]
