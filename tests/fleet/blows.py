"""The ways in which parts of a fleet die, and how soon what they had in hand goes on.

Each strikes once, waits until the jobs are in other hands (or in work again), puts things right as
an operator would, and gives the seconds that each job stood still.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.fleet.fleet import ON_THE_ISLAND, STARTS_WITHIN
from tests.kills.workers import until

if TYPE_CHECKING:
    from tests.fleet.fleet import Fleet

PROMISED = 30.0
"""Seconds within which a dead worker's jobs are in other hands, at default settings."""

_DATABASE_AWAY = 2.0
_DENIED = 3.0
_STILL = """
    SELECT count(*) FROM jobs
    WHERE state = 'running' AND (hash, bytes_done) IN (SELECT * FROM unnest(%s::text[], %s::int8[]))
"""
_RUNNING = "SELECT hash, bytes_done FROM jobs WHERE state = 'running'"
_FETCHED = "SELECT count(*) FROM jobs WHERE state = 'running' AND files_done = files_total"
_WAITING = "SELECT count(*) FROM jobs WHERE storage_wait_since IS NOT NULL"
_COMPLETED = "SELECT count(*) FROM jobs WHERE state = 'completed'"


def killed(fleet: Fleet) -> list[float]:
    """Kill a worker like a power cut, and start another in its place."""
    place = _busiest(fleet, range(ON_THE_ISLAND))
    fleet.note_claims()
    fleet.workers[place].kill()
    began = time.monotonic()
    lost = fleet.in_hand(place)
    fleet.start_worker(place)
    return _taken_over(fleet, lost, began)


def drained(fleet: Fleet) -> list[float]:
    """Have a worker with open files end as an upgrade would, and start another in its place."""
    place = _busiest(fleet, range(ON_THE_ISLAND))
    lost = fleet.in_hand(place)
    began = time.monotonic()
    fleet.workers[place].drain()
    # What its last checkpoints claim goes on at its byte.
    fleet.note_claims()
    fleet.start_worker(place)
    return _taken_over(fleet, lost, began)


def frozen(fleet: Fleet) -> list[float]:
    """Freeze a worker past its lease, and wake it when others have its jobs."""
    place = _busiest(fleet, range(ON_THE_ISLAND))
    worker = fleet.workers[place]
    fleet.note_claims()
    worker.freeze()
    began = time.monotonic()
    try:
        return _taken_over(fleet, fleet.in_hand(place), began)
    finally:
        worker.wake()


def cut_off(fleet: Fleet) -> list[float]:
    """Cut a living worker off from everything, and join it again when others have its jobs."""
    return _cut_off(fleet)


def cut_off_while_the_bucket_restarts(fleet: Fleet) -> list[float]:
    """Do both at once, since the one takes a quarter of a minute."""
    return _cut_off(fleet, meanwhile=bucket_restarted)


def _cut_off(fleet: Fleet, *, meanwhile: Callable[[Fleet], object] = lambda _: None) -> list[float]:
    _busiest(fleet, [ON_THE_ISLAND])
    fleet.note_claims()
    fleet.island.cut()
    began = time.monotonic()
    try:
        lost = fleet.in_hand(ON_THE_ISLAND)
        meanwhile(fleet)
        return _taken_over(fleet, lost, began)
    finally:
        fleet.island.mend()


def database_restarted(fleet: Fleet) -> list[float]:
    """Crash the database, and start it again: every run goes on where it is."""
    fleet.note_claims()
    fleet.server.kill()
    time.sleep(_DATABASE_AWAY)
    fleet.server.start()
    began = time.monotonic()
    was = fleet.database.rows(_RUNNING)
    hashes, done = [key for key, _ in was], [done for _, done in was]
    until(lambda: fleet.database.rows(_STILL, hashes, done)[0][0] == 0, "every run goes on")
    return [time.monotonic() - began]


def bucket_restarted(fleet: Fleet) -> list[float]:
    """Take the S3 server away, which cuts every upload, and give it back with what it had."""
    fleet.note_claims()
    fleet.bucket_relay.cut()
    until(lambda: fleet.database.rows(_FETCHED)[0][0] > 0, "an archive is to be uploaded")
    time.sleep(fleet.bucket_away)
    fleet.bucket_relay.mend()
    began = time.monotonic()
    (was,) = fleet.database.rows(_COMPLETED)[0]
    until(lambda: fleet.database.rows(_COMPLETED)[0][0] > was, "an archive is published again")
    return [time.monotonic() - began]


def bucket_denied(fleet: Fleet) -> list[float]:
    """Take the bucket's permissions away until jobs wait for it, and give them back."""
    fleet.note_claims()
    fleet.gate.refusal = (403, "AccessDenied")
    try:
        until(lambda: fleet.database.rows(_WAITING)[0][0] > 0, "a job waits for the store")
        time.sleep(_DENIED)
    finally:
        fleet.gate.refusal = None
    began = time.monotonic()
    (was,) = fleet.database.rows(_COMPLETED)[0]
    until(lambda: fleet.database.rows(_COMPLETED)[0][0] > was, "an archive is published again")
    return [time.monotonic() - began]


def api_killed(fleet: Fleet) -> list[float]:
    """Kill an API and start it again; the other one answers meanwhile."""
    fleet.apis[0].kill()
    began = time.monotonic()
    until(lambda: fleet.is_ready(1), "the other API is ready")
    fleet.start_api(0)
    until(lambda: fleet.is_ready(0), "the API is ready again", STARTS_WITHIN)
    return [time.monotonic() - began]


Blow = Callable[["Fleet"], list[float]]

BLOWS: dict[str, Blow] = {
    "killed": killed,
    "drained": drained,
    "frozen": frozen,
    "cut off": cut_off,
    "database restarted": database_restarted,
    "S3 restarted": bucket_restarted,
    "S3 denied": bucket_denied,
    "API killed": api_killed,
}


def _busiest(fleet: Fleet, places: range | list[int]) -> int:
    """Wait until one of these workers has a job in its hands; give the one that has the most."""
    counts: dict[int, int] = {}

    def some() -> bool:
        counts.update({place: len(fleet.in_hand(place)) for place in places})
        return any(counts.values())

    until(some, "a worker has a job in its hands")
    return max(counts, key=lambda place: counts[place])


def _taken_over(fleet: Fleet, lost: dict[str, int], began: float) -> list[float]:
    """Wait until the jobs of a worker that is gone are in other hands; tell each one's seconds."""
    seconds: list[float] = []
    left = set(lost)
    while left:
        still = fleet.left_in_hand({key: lost[key] for key in left})
        now = time.monotonic() - began
        seconds += [now] * len(left - still)
        left = still
        assert now < 2 * PROMISED, f"{left} are in no other hands"
        time.sleep(0.05)
    return seconds
