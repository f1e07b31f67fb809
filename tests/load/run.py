"""`python -m tests.load.run`: a service under load, and one line of figures.

--jobs N       how many small jobs are posted, as fast as they are accepted
--sources N    how many sources drip beside a hundred good jobs

Ends with 1 where a job was lost or doubled, or a figure is worse than was promised.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.load import dripping, many
from tests.load.origin import Origin
from tests.spec.service import Service

LEAST_A_MINUTE = 250
MOST_P99 = 0.25
MOST_TIMES = 2.0
GOOD = 100
DRIPPING_JOBS = 10
_MOST_TOLD = 20


def main() -> None:
    """Play both; exit with 1 where something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=30_000)
    parser.add_argument("--sources", type=int, default=1_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small, small_right = _many(asked.jobs, Path(folder, "many"))
        slow, slow_right = _dripping(asked.sources, Path(folder, "dripping"))
    sys.stdout.write(f"load: {small}; {slow}\n")
    sys.exit(0 if small_right and slow_right else 1)


def _many(jobs: int, folder: Path) -> tuple[str, bool]:
    folder.mkdir()
    with Origin() as origin, Service(folder) as service:
        service.start()
        said = many.play(jobs, service, origin, seconds=60 * jobs / LEAST_A_MINUTE)
    for problem in said.problems[:_MOST_TOLD]:
        sys.stdout.write(f"{problem}\n")
    figure = (
        f"{said.right:,} of {jobs:,} jobs right, {jobs - said.right} lost, "
        f"{said.doubled} doubled, {said.a_minute:,.0f} a minute, "
        f"accepted within {1000 * said.p99:.0f} ms (p99)"
    )
    right = said.right == jobs and not said.doubled and not said.problems
    return figure, right and said.a_minute >= LEAST_A_MINUTE and said.p99 < MOST_P99


def _dripping(sources: int, folder: Path) -> tuple[str, bool]:
    folder.mkdir()
    with Origin() as origin, Service(folder) as service:
        service.start()
        said = dripping.play(service, origin, sources=sources, jobs=DRIPPING_JOBS, good=GOOD)
    alone, beside = said.p95
    figure = (
        f"beside {sources:,} dripping sources ({said.dripping} at once) {len(said.beside)} of "
        f"{GOOD} good jobs, each within {beside:.2f} s (p95; {alone:.2f} s without)"
    )
    return figure, beside <= MOST_TIMES * alone


if __name__ == "__main__":
    main()
