"""What things cost is told from readings, and the plan of docs/capacity.md follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench import plan
from bench.costs import GB, Amounts, Costs, Reading, load, save, solve

if TYPE_CHECKING:
    from pathlib import Path

JOB, FILE, GIGABYTE, IDLE = (Amounts(worker_cpu=each) for each in (0.02, 0.001, 0.8, 0.05))


def reading(jobs: int, files: int, size: int, seconds: float) -> Reading:
    """Make up the reading that such costs give."""
    cpu = jobs * 0.02 + files * 0.001 + size / GB * 0.8 + seconds * 0.05
    return Reading(jobs, files, size, seconds, Amounts(worker_cpu=cpu))


def test_the_costs_are_found_again_in_what_they_give() -> None:
    found = solve(
        reading(400, 400, 0, 20.0),
        reading(40, 4000, 0, 10.0),
        reading(4, 4, 2_000_000_000, 5.0),
        IDLE,
    )
    for part, wanted in ((found.job, JOB), (found.file, FILE), (found.gigabyte, GIGABYTE)):
        assert part.worker_cpu == pytest.approx(wanted.worker_cpu)


def test_costs_are_read_as_they_were_written(tmp_path: Path) -> None:
    costs = Costs(JOB, FILE, GIGABYTE, IDLE, {"processor": "2 cores"}, "2026-03-01")
    save(costs, tmp_path / "costs.json")
    assert load(tmp_path / "costs.json") == costs


def value(lines: list[plan.Line], what: str) -> float:
    return next(line.value for line in lines if line.what.startswith(what))


def test_a_petabyte_a_day_is_what_it_is() -> None:
    costs = Costs(JOB, FILE, GIGABYTE, IDLE)
    lines = list(plan.lines(plan.Demand(peak=1.0), plan.Host(tls=1.0), costs))
    assert value(lines, "gigabytes a second") == pytest.approx(11.574, abs=0.001)
    assert value(lines, "archives a second") == pytest.approx(11.574, abs=0.001)
    # 11.57 GB/s through machines of 25 Gbit/s, of which 60 % are used.
    assert value(lines, "workers by network") == pytest.approx(6.17, abs=0.01)
    assert value(lines, "workers' cores") == pytest.approx(
        11.574 * 0.02 + 1157.4 * 0.001 + 11.574 * 0.8, rel=0.001
    )


def test_the_document_has_the_plan_that_follows_from_what_was_measured() -> None:
    text = plan.DOCUMENT.read_text()
    assert plan.costs_section(load()) in text
    assert plan.section(load()) in text
