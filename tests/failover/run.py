"""`python -m tests.failover.run`: workers and databases that die, and one line of figures.

--rounds N  rounds of each way to die
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.failover.fleet import Fleet, patiently, until
from tests.failover.previous import previous_version
from tests.fakes.postgres_server import PostgresServer

from packmule.errors import FailureCode
from packmule.jobs.model import MOST_FRUITLESS_RUNS

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 6
PROMISED = 30.0
"""Seconds within which a dead worker's jobs are in other hands, at default settings."""

_AWAY = 2.0


@dataclass(frozen=True)
class Played:
    """A round: seconds until each job was in work again, and what was wrong."""

    seconds: list[float]
    problems: list[str] = field(default_factory=list)


def killed(folder: Path, server: PostgresServer) -> Played:
    """Kill a worker, with jobs in its hands, like a power cut."""
    with Fleet(folder, server) as fleet:
        fleet.worker(), fleet.worker()
        _all_in_work(fleet)
        doomed = fleet.busiest()
        doomed.kill()
        return _taken_over(fleet, fleet.in_hand(doomed))


def frozen(folder: Path, server: PostgresServer) -> Played:
    """Freeze a worker, and wake it when others have its jobs."""
    with Fleet(folder, server) as fleet:
        fleet.worker(), fleet.worker()
        _all_in_work(fleet)
        asleep = fleet.busiest()
        asleep.freeze()
        try:
            return _taken_over(fleet, fleet.in_hand(asleep), and_then=asleep.wake)
        finally:
            asleep.wake()


def restarted(folder: Path, server: PostgresServer) -> Played:
    """Crash the database, and start it again: every run goes on where it is."""
    with Fleet(folder, server) as fleet:
        fleet.worker(), fleet.worker()
        keys = _all_in_work(fleet)
        fleet.server.kill()
        time.sleep(_AWAY)
        before = time.monotonic()
        fleet.server.start()
        was = {key: fleet.bytes_done(key) for key in keys}
        moved = patiently(lambda: all(fleet.bytes_done(key) > was[key] for key in keys))
        until(moved, "checkpoints are written again")
        seconds = time.monotonic() - before
        problems = fleet.faults() + fleet.left_over()
        twice = sum(fleet.requests(key) > 1 for key in keys)
        if twice:
            problems.append(f"{twice} files were asked for again")
        return Played([seconds], problems)


def restored(folder: Path, server: PostgresServer) -> Played:
    """Restore the database under a frozen worker: other jobs and workers get the same numbers."""
    with Fleet(folder, server) as fleet:
        backup = fleet.backup()
        asleep = fleet.worker()
        lost = _all_in_work(fleet)
        asleep.freeze()
        try:
            backup.restore()
            fleet.forget(lost)
            fleet.worker()
            _all_in_work(fleet)
            woke = time.monotonic()
            asleep.wake()
            until(lambda: fleet.ended(asleep) >= len(lost), "the runs of the frozen worker ended")
            seconds = [time.monotonic() - woke]
            problems = fleet.faults() + fleet.left_over()
        finally:
            asleep.wake()
        problems += [f"{key} is known again" for key in lost if fleet.knows(key)]
        return Played(seconds, problems)


def poisoned(folder: Path, server: PostgresServer) -> Played:
    """Kill the worker of each run of a job, until nobody runs it any more; then let it succeed."""
    with Fleet(folder, server) as fleet:
        key = fleet.create(held_from=0)
        began = time.monotonic()
        for attempt in range(1, MOST_FRUITLESS_RUNS + 1):
            doomed = fleet.worker()
            until(partial(fleet.is_at, key, attempt), f"run {attempt} has begun")
            doomed.kill()
        fleet.worker()
        other = fleet.create()
        until(lambda: fleet.failure_of(key) is not None, "the job was put aside")
        seconds = [time.monotonic() - began]
        problems = []
        if fleet.failure_of(key) is not FailureCode.QUARANTINED:
            problems.append(f"the job failed as {fleet.failure_of(key)}")
        if fleet.attempt(other) > 1:
            problems.append("another job was begun anew")
        fleet.retry(key)
        return Played(seconds, problems + fleet.faults() + fleet.left_over())


def upgraded(folder: Path, server: PostgresServer) -> Played:
    """Roll an upgrade out beside the version before, restart that one meanwhile, and go back."""
    old = previous_version(folder.with_name(f"{folder.name}-previous"))
    with Fleet(folder, server, made_by=old) as fleet:
        before = fleet.worker(old)
        fleet.create(by=old)
        began = time.monotonic()
        fleet.upgrade()
        fleet.create(), fleet.create(by=old)
        new = fleet.worker()
        before.kill()
        fleet.worker(old)
        fleet.create(by=old), fleet.create()
        problems = fleet.faults()
        new.kill()
        fleet.create(by=old), fleet.create()
        problems += fleet.faults() + fleet.left_over()
        return Played([time.monotonic() - began], problems)


WAYS: dict[str, Callable[[Path, PostgresServer], Played]] = {
    "killed": killed,
    "frozen": frozen,
    "database restarted": restarted,
    "database restored under a frozen worker": restored,
    "job that kills its workers": poisoned,
    "rolling upgrade": upgraded,
}


def _all_in_work(fleet: Fleet) -> list[str]:
    keys = [fleet.create() for _ in range(JOBS)]
    until(lambda: all(fleet.bytes_done(key) for key in keys), "every job has a checkpoint")
    return keys


def _taken_over(
    fleet: Fleet, lost: set[str], *, and_then: Callable[[], None] = lambda: None
) -> Played:
    """Wait until the jobs of a worker that is gone are in work again, and all have ended."""
    began = time.monotonic()
    seconds: dict[str, float] = {}
    while len(seconds) < len(lost):
        for key in lost - seconds.keys():
            if fleet.attempt(key) > 1:
                seconds[key] = time.monotonic() - began
        assert time.monotonic() - began < 2 * PROMISED, f"{lost - seconds.keys()} were not begun"
        time.sleep(0.02)
    and_then()
    problems = fleet.faults() + fleet.left_over()
    problems += [f"{key} was begun {n} times" for key in lost if (n := fleet.attempt(key)) != 2]
    if not lost:
        problems.append("the worker that died had nothing in its hands")
    if seconds and max(seconds.values()) > PROMISED:
        problems.append(f"not in other hands within {PROMISED:.0f} s")
    return Played(list(seconds.values()), problems)


def main() -> None:
    """Play everything; exit with 1 where something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    right, figures = 0, []
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as server:
        for name, play in WAYS.items():
            seconds: list[float] = []
            for number in range(rounds):
                played = _play(play, Path(folder) / f"{name}-{number}", server)
                seconds += played.seconds
                right += not played.problems
                for problem in played.problems:
                    sys.stderr.write(f"{name}, round {number}: {problem}\n")
            if seconds:
                figures.append(f"{name} {statistics.median(seconds):.1f} s, {max(seconds):.1f} s")
    count = rounds * len(WAYS)
    sys.stdout.write(
        f"fail-over: {right} of {count} rounds right; jobs go on after (median, longest) "
        f"{'; '.join(figures)}\n"
    )
    sys.exit(0 if right == count else 1)


def _play(
    play: Callable[[Path, PostgresServer], Played], folder: Path, server: PostgresServer
) -> Played:
    try:
        return play(folder, server)
    except AssertionError as error:
        return Played([], [str(error)])


if __name__ == "__main__":
    main()
