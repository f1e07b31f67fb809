"""`python -m tests.soak.run`: a long time under load, faults and kills, and one line of figures.

--minutes N        how long
--kill-every N     seconds between two kills
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.jobs import FILES
from tests.soak.soaking import play


def main() -> None:
    """Soak; exit with 1 where something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kill-every", type=float, default=20.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        said = play(60 * asked.minutes, Path(folder), kill_every=asked.kill_every)
    for problem in said.problems:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(
        f"soak: {said.right:,} of {said.jobs:,} jobs right in {asked.minutes:g} min "
        f"({said.kills} kills; {said.ill:,} of {FILES * said.jobs:,} sources in trouble; a process "
        f"needed at most {said.needs.memory / 1e6:.0f} MB and {said.needs.descriptors} "
        f"descriptors; {'nothing' if not said.problems else 'something'} left over)\n"
    )
    sys.exit(1 if said.problems else 0)


if __name__ == "__main__":
    main()
