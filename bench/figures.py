"""The report's arithmetic: readings become one line for each contestant of a work. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from bench.records import Record

GB = 1e9
MB = 1e6


@dataclass(frozen=True, slots=True)
class Line:
    """A contestant's figures in one work: medians of its rounds, and its worst memory.

    `failures` are the reasons of the rounds that failed; with them the figures are of the others,
    and zero where there are none. `on_disk` is the seconds until the archive would have outlived a
    power cut.
    """

    contestant: str
    rounds: int
    seconds: float
    fastest: float
    slowest: float
    cpu_per_gb: float
    peak_mb: float
    on_disk: float | None
    failures: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Return whether the figures can be compared: every round was right."""
        return self.rounds > 0 and not self.failures


def line_of(contestant: str, records: Iterable[Record]) -> Line:
    """Sum up one contestant's records in one work."""
    records = list(records)
    failures = tuple(record.failure for record in records if record.failure is not None)
    good = [record for record in records if record.failure is None]
    if not good:
        return Line(contestant, 0, 0.0, 0.0, 0.0, 0.0, 0.0, None, failures)
    seconds = [record.seconds for record in good]
    return Line(
        contestant,
        rounds=len(good),
        seconds=median(seconds),
        fastest=min(seconds),
        slowest=max(seconds),
        cpu_per_gb=median(record.cpu_seconds / (record.moved_bytes / GB) for record in good),
        peak_mb=max(record.peak_bytes for record in good) / MB,
        on_disk=_on_disk(good),
        failures=failures,
    )


def _on_disk(records: Iterable[Record]) -> float | None:
    """Return the median time until all was written; None if that was not measured."""
    settled = [
        record.seconds + record.settling_seconds
        for record in records
        if record.settling_seconds is not None
    ]
    return median(settled) if settled else None


Table = dict[str, Line]
"""The lines of one work by contestant."""


def tables(records: Iterable[Record]) -> dict[str, Table]:
    """Sum up everything: a table for each work, in the order of the records."""
    grouped: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        grouped.setdefault(record.work, {}).setdefault(record.contestant, []).append(record)
    return {
        work: {name: line_of(name, found) for name, found in by_name.items()}
        for work, by_name in grouped.items()
    }


def ratio(table: Table, over: str, under: str) -> float | None:
    """Divide two contestants' seconds; None where either has no figures that count."""
    upper, lower = table.get(over), table.get(under)
    if upper is None or lower is None or not (upper.counts and lower.counts):
        return None
    return upper.seconds / lower.seconds
