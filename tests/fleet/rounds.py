"""One round: a fleet with jobs in work, struck again and again, and judged when all have ended.

Owns the order of the blows, which its seed gives, and what must hold at the end beside each archive
being right: no stale run has published, nothing that a checkpoint had claimed was fetched again,
the queue is empty, and every worker lives.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.fleet.blows import BLOWS, PROMISED
from tests.fleet.fleet import STARTS_WITHIN, WORKERS, Fleet
from tests.fleet.load import Load
from tests.kills.workers import until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fakes.postgres_server import PostgresServer
    from tests.fleet.blows import Blow

_LONGEST_PAUSE = 4.0
_ENDS = "SELECT hash, attempt, etag FROM jobs WHERE state = 'completed'"
_TASKS = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'packmule.build'"
_MOST_TOLD = 20
_LAST_LINES = 15
# Nothing is in its hands; how long a process takes to start is up to the machine.
_OF_THE_MACHINE = {"API killed"}


@dataclass
class Played:
    """What came of a round; `seconds` by way, for how long jobs stood still."""

    jobs: int
    right: int = 0
    wanted: int = 0
    sent: int = 0
    cut: str = ""
    retried: int = 0
    """Jobs that the bucket has failed, and that were right when tried again."""
    claimed: int = 0
    """Requests for what a checkpoint had claimed."""
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Size:
    """How much a round is: jobs in all, at once, and seconds that each is in work.

    `bucket_away`: seconds for which the bucket is away once an archive is to be uploaded.
    """

    jobs: int = 400
    at_once: int = 48
    seconds: float = 12.0
    bucket_away: float = 4.0


def play(
    folder: Path,
    server: PostgresServer,
    *,
    seed: int = 0,
    size: Size = Size(),
    blows: Mapping[str, Blow] = MappingProxyType(BLOWS),
) -> Played:
    """Play a round in a folder, which is made."""
    rng = random.Random(seed)
    said = Played(size.jobs)
    with Fleet(folder, server, bucket_away=size.bucket_away) as fleet:
        said.cut = fleet.shore.how
        load = Load(
            fleet, random.Random(~seed), jobs=size.jobs, at_once=size.at_once, seconds=size.seconds
        )
        with load.under_way():
            for way in rng.sample(list(blows), len(blows)):
                time.sleep(rng.uniform(1.0, _LONGEST_PAUSE))
                said.seconds[way] += blows[way](fleet)
        said.right, said.retried = len(load.right), len(load.retries)
        said.problems += load.problems
        said.problems += _late(said) + _rest(fleet)
        again = _fetched_twice(fleet)
        said.claimed = len(again)
        said.problems += _published(fleet) + again
        said.wanted = sum(body.size for job in load.wanted.values() for body in job.values())
        said.sent = sum(thing.sent for thing in fleet.things.values())
        if said.problems:
            said.problems = [*said.problems[:_MOST_TOLD], *_faults_in_logs(fleet)]
    return said


def _late(said: Played) -> list[str]:
    return [
        f"{way}: not in other hands within {PROMISED:.0f} s, but {max(took):.1f} s"
        for way, took in said.seconds.items()
        if took and max(took) > PROMISED and way not in _OF_THE_MACHINE
    ]


def _published(fleet: Fleet) -> list[str]:
    """Compare logs, rows and bucket: each archive is of its job's last run, and of no other.

    A log has the first 8 digits of a hash.
    """
    problems = []
    begun: defaultdict[str, list[int]] = defaultdict(list)
    ended: defaultdict[str, list[int]] = defaultdict(list)
    for number in range(len(fleet.logs)):
        for line in fleet.log_lines(number):
            if line["message"] == "job started":
                begun[line["job"]].append(line["attempt"])
            elif line["message"].startswith("job completed "):
                ended[line["job"]].append(line["attempt"])
    objects: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for key, attempt, etag in fleet.objects():
        objects[key][attempt] = etag
    for key, attempt, etag in fleet.database.rows(_ENDS):
        twice = [number for number, times in Counter(begun[key[:8]]).items() if times > 1]
        if twice:
            problems.append(f"{key}: attempts {twice} were begun twice")
        if ended[key[:8]] not in ([], [attempt]):
            problems.append(f"{key}: completed by {ended[key[:8]]}, of attempt {attempt}")
        held = objects[key]
        if not held or held[max(held)] != etag.strip('"'):
            problems.append(f"{key}: the bucket's {held} are not what the job tells, {etag}")
    return problems


def _fetched_twice(fleet: Fleet) -> list[str]:
    """List what was asked for again although a checkpoint had claimed it before."""
    problems = []
    for claim in fleet.claims:
        if claim.thing.body.words:
            continue  # what is deflated begins anew
        for asked in claim.thing.asked[claim.requests :]:
            start = 0 if asked is None else int(asked.removeprefix("bytes=").partition("-")[0])
            if start < claim.kept:
                problems.append(f"bytes from {start} on again, of which {claim.kept} were kept")
    return problems


def _rest(fleet: Fleet) -> list[str]:
    """Wait until all has come to rest, and list what has not."""
    dead = [n for n, worker in enumerate(fleet.workers) if worker.process.poll() is not None]
    if dead:
        return [_how_it_ended(fleet, number) for number in dead]
    until(lambda: fleet.hearts() == WORKERS, "every worker's heart beats", STARTS_WITHIN)
    until(lambda: fleet.database.rows(_TASKS)[0][0] == 0, "no task is left")
    return []


def _how_it_ended(fleet: Fleet, number: int) -> str:
    """Show a worker's exit code and the end of its log."""
    code = fleet.workers[number].process.poll()
    last = fleet.log_tail(number, _LAST_LINES)
    return f"worker {number} has ended with {code}; the end of its log:\n{last}"


def _faults_in_logs(fleet: Fleet) -> list[str]:
    lines = [line for number in range(len(fleet.logs)) for line in fleet.log_lines(number)]
    wrong = [line for line in lines if line["level"] in {"error", "critical"}]
    return [
        f"{line['at']} {line['message']} {line.get('trace', '').rpartition(chr(10))[2]}"
        for line in wrong[:_MOST_TOLD]
    ]
