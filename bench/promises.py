"""The promises on speed, and whether a run held them. Pure.

Owns their targets; the figures come from `figures.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.figures import Table, ratio

OURS = "pack"
Figure = Callable[[Table], float | None]


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure of one work and the bound it must not cross."""

    work: str
    text: str
    figure: Figure
    target: float
    at_most: bool
    unit: str = ""

    def verdict(self, tables: Mapping[str, Table]) -> "Verdict":
        """Judge a run; a figure that is not there holds nothing."""
        value = self.figure(tables[self.work]) if self.work in tables else None
        if value is None:
            return Verdict(self, None, held=None)
        held = value <= self.target if self.at_most else value >= self.target
        return Verdict(self, value, held=held)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a promise: None for both where it was not measured or somebody failed."""

    promise: Promise
    value: float | None
    held: bool | None


def over_limit(table: Table) -> float | None:
    """Compare ours with the slower of the network alone and the disk alone."""
    ratios = [ratio(table, OURS, limit) for limit in ("dd", "curl-null")]
    known = [value for value in ratios if value is not None]
    # The slower limit is the one that gives the smaller ratio.
    return min(known) if len(known) == len(ratios) else None


def over(contestant: str, than: str) -> Figure:
    """Make the figure that divides one contestant's seconds by another's."""
    return lambda table: ratio(table, contestant, than)


def cpu(table: Table) -> float | None:
    """Return our CPU seconds per GB."""
    line = table.get(OURS)
    return line.cpu_per_gb if line and line.counts else None


def peak(table: Table) -> float | None:
    """Return our peak memory in MB."""
    line = table.get(OURS)
    return line.peak_mb if line and line.counts else None


def promises(works: list[str]) -> list[Promise]:
    """List every promise; the service's is made for each work."""
    fixed = [
        Promise(
            "A", "of the slower of `dd` and `curl` to /dev/null", over_limit, 1.15, at_most=True
        ),
        Promise("A", "faster than aria2 + `zip`", over("aria2-zip", OURS), 8, at_most=False),
        Promise("A", "faster than `curl` + `zip`", over("curl-zip", OURS), 7, at_most=False),
        Promise("A", "faster than zipstream-ng", over("zipstream-ng", OURS), 2.5, at_most=False),
        Promise("A", "CPU seconds a GB", cpu, 0.8, at_most=True, unit=" s"),
        Promise("A", "memory at its peak", peak, 150, at_most=True, unit=" MB"),
        Promise("C", "of `curl` to /dev/null", over(OURS, "curl-null"), 1.3, at_most=True),
        Promise("D", "faster than a serial fetcher", over("serial", OURS), 5, at_most=False),
    ]
    service = [
        Promise(work, "the service, of `pack`", over("service", OURS), 1.25, at_most=True)
        for work in works
    ]
    return fixed + service
