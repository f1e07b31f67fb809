"""What a job, a file and a gigabyte cost, told from readings of three works and of idling. Pure.

Owns the arithmetic between what `capacity.py` reads off and what `plan.py` and `simulation.py`
count with, and the file between them:

    small work   j jobs of one small file       j (job + file)
    files work   j jobs of n small files        j (job + n file)
    bytes work   j jobs of one large file       j (job + file) + gigabytes

From each reading the share of idling is taken off first: what the processes do anyhow in that time.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent / "costs.json"
GB = 1e9


@dataclass(frozen=True, slots=True)
class Amounts:
    """What was used: CPU seconds of each part, the database's and the bucket's share of work."""

    worker_cpu: float = 0.0
    api_cpu: float = 0.0
    database_cpu: float = 0.0
    transactions: float = 0.0
    row_writes: float = 0.0
    wal_bytes: float = 0.0
    table_bytes: float = 0.0
    s3_requests: float = 0.0

    def minus(self, other: "Amounts", times: float = 1.0) -> "Amounts":
        """Take so many times another away; nothing is less than nothing."""
        return self._each(other, lambda mine, theirs: max(0.0, mine - times * theirs))

    def over(self, number: float) -> "Amounts":
        """Divide all of it."""
        return self._each(self, lambda mine, _: mine / number)

    def _each(self, other: "Amounts", join: Callable[[float, float], float]) -> "Amounts":
        names = [each.name for each in dataclasses.fields(self)]
        return Amounts(**{name: join(getattr(self, name), getattr(other, name)) for name in names})


@dataclass(frozen=True, slots=True)
class Reading:
    """A work that was done: what it was, how long it took, what it used."""

    jobs: int
    files: int
    size: int
    seconds: float
    used: Amounts


@dataclass(frozen=True, slots=True)
class Costs:
    """What each costs; `idle` is what an API and a worker use in a second without work."""

    job: Amounts
    file: Amounts
    gigabyte: Amounts
    idle: Amounts
    machine: Mapping[str, str] = dataclasses.field(default_factory=dict)
    date: str = ""


def solve(small: Reading, files: Reading, large: Reading, idle: Amounts) -> Costs:
    """Compute the costs from the three works; `idle` is per second."""
    each_small, each_files = (
        one.used.minus(idle, one.seconds).over(one.jobs) for one in (small, files)
    )
    more = files.files / files.jobs - small.files / small.jobs
    file = each_files.minus(each_small).over(more)
    job = each_small.minus(file, small.files / small.jobs)
    rest = large.used.minus(idle, large.seconds).minus(job, large.jobs).minus(file, large.files)
    return Costs(job, file, rest.over(large.size / GB), idle)


def save(costs: Costs, file: Path = FILE) -> None:
    """Write the costs down, four digits of each."""
    document = dataclasses.asdict(costs)
    for part in ("job", "file", "gigabyte", "idle"):
        document[part] = {name: float(f"{value:.4g}") for name, value in document[part].items()}
    file.write_text(json.dumps(document, indent=2) + "\n")


def load(file: Path = FILE) -> Costs:
    """Read the costs that were last measured."""
    document: dict[str, Any] = json.loads(file.read_text())
    job, file_, gigabyte, idle = (
        Amounts(**document.pop(name)) for name in ("job", "file", "gigabyte", "idle")
    )
    return Costs(job, file_, gigabyte, idle, **document)
