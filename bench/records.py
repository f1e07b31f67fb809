"""What a run of the benchmark leaves behind: one JSON line for the run, one for each reading.

Owns the lines' shape, so that a report can be rendered again long after.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One run: when, how and on what; titles by name, for works and contestants."""

    id: str
    at: str
    command: str
    scale: float
    machine: dict[str, str]
    versions: dict[str, str]
    works: dict[str, str]
    titles: dict[str, str]
    ways: dict[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """One reading: seconds, CPU seconds, bytes of memory, or else why there is none.

    `settling_seconds` is how long the kernel then still wrote, None where there is no archive.
    `moved_bytes` is the bodies' sum, the same for all contestants of a work.
    """

    run: str
    work: str
    contestant: str
    round: int
    moved_bytes: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    settling_seconds: float | None = None
    failure: str | None = None


def append(path: Path, line: Run | Record) -> None:
    """Add one line to the results."""
    kind = "run" if isinstance(line, Run) else "reading"
    with path.open("a") as file:
        file.write(json.dumps({"kind": kind, **asdict(line)}) + "\n")


def read(path: Path) -> tuple[list[Run], list[Record]]:
    """Read all runs and readings."""
    runs: list[Run] = []
    records: list[Record] = []
    for line in path.read_text().splitlines():
        values = json.loads(line)
        if values.pop("kind") == "run":
            runs.append(Run(**values))
        else:
            records.append(Record(**values))
    return runs, records


def chosen(path: Path, wanted: Iterable[str]) -> tuple[list[Run], list[Record]]:
    """Choose runs by their ids, else the last; a later run's work replaces an earlier one's."""
    runs, records = read(path)
    ids = list(wanted) or [run.id for run in runs[-1:]]
    by_id = {run.id: run for run in runs}
    unknown = [name for name in ids if name not in by_id]
    if unknown or not ids:
        raise SystemExit(f"No such run: {', '.join(unknown)}; there are {', '.join(by_id)}")
    picked = [by_id[name] for name in ids]
    speaks = {record.work: run.id for run in picked for record in records if record.run == run.id}
    return picked, [record for record in records if speaks.get(record.work) == record.run]
