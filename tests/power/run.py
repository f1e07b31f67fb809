"""`python -m tests.power.run`: power cuts on each kind of file system, and one line of figures.

--rounds N    rounds on each; 0, 1, … are the seeds
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.kills.load import Round
from tests.power.cuts import play
from tests.power.disk import MAKERS, missing

SIDE_BY_SIDE = 3


def main() -> None:
    """Play everything; exit with 1 where something was wrong or could not be tried."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    asked = parser.parse_args()
    figures = []
    right = True
    with tempfile.TemporaryDirectory() as folder:
        for kind in MAKERS:
            if (why := missing(kind)) is not None:
                figures.append(f"{kind} not tried ({why})")
                right = False
                continue
            said = _rounds(kind, asked.rounds, Path(folder))
            wrong = sum(1 for one in said if one.problems)
            cuts, jobs = sum(len(one.kills) for one in said), sum(one.jobs for one in said)
            figures.append(
                f"{kind} {len(said) - wrong} of {len(said)} rounds right ({cuts} cuts, {jobs} jobs)"
            )
            right = right and not wrong
    sys.stdout.write(f"power: {'; '.join(figures)}\n")
    sys.exit(0 if right else 1)


def _rounds(kind: str, count: int, folder: Path) -> list[Round]:
    def played(seed: int) -> Round:
        try:
            said = play(kind, seed, folder / f"{kind}-{seed}")
        except AssertionError as error:
            said = Round(seed, [str(error)])
        for problem in said.problems:
            sys.stdout.write(f"{kind}, round {seed}: {problem}\n")
        return said

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(pool.map(played, range(count)))


if __name__ == "__main__":
    main()
