"""`python -m tests.fleet.run`: a whole fleet while its parts die, and one line of figures.

--rounds N  rounds; 0, 1, … are the seeds
--jobs N    jobs of a round
--bucket-away SECONDS  how long the bucket is away once an archive is to be uploaded
--folder PATH  where logs and data are kept afterwards, instead of in a temporary folder
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.postgres_server import PostgresServer
from tests.fleet.blows import BLOWS
from tests.fleet.rounds import Played, Size, play

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> None:
    """Play everything; exit with 1 where something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=Size.jobs)
    parser.add_argument("--bucket-away", type=float, default=Size.bucket_away)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    size = Size(jobs=asked.jobs, bucket_away=asked.bucket_away)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        rounds = [_played(seed, folder, size) for seed in range(asked.rounds)]
    sys.stdout.write(f"fleet: {figure(rounds)}\n")
    sys.exit(1 if any(one.problems for one in rounds) else 0)


def _played(seed: int, folder: Path, size: Size) -> Played:
    """Play a round on a database server of its own, and tell what was wrong."""
    with PostgresServer() as server:
        try:
            said = play(folder / f"round-{seed}", server, seed=seed, size=size)
        except AssertionError as error:
            said = Played(size.jobs, problems=[str(error)])
    for problem in said.problems:
        sys.stdout.write(f"round {seed}: {problem}\n")
    sys.stdout.flush()
    return said


def figure(rounds: Sequence[Played]) -> str:
    """Put what came of all rounds into one line."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for one in rounds:
        for way, took in one.seconds.items():
            seconds[way] += took
    jobs, right = sum(one.jobs for one in rounds), sum(one.right for one in rounds)
    well = sum(not one.problems for one in rounds)
    twice = sum(one.sent for one in rounds) / (sum(one.wanted for one in rounds) or 1) - 1
    retried = sum(one.retried for one in rounds)
    claimed = sum(one.claimed for one in rounds)
    stood = "; ".join(
        f"{_named(way, rounds)} {statistics.median(seconds[way]):.1f} s, {max(seconds[way]):.1f} s"
        for way in BLOWS
        if seconds[way]
    )
    return (
        f"{right} of {jobs} jobs right, {retried} of them after a retry, {well} of {len(rounds)} "
        f"rounds; {twice:.1%} fetched twice, "
        f"{claimed} times what a checkpoint had; jobs go on after (median, longest) {stood}"
    )


def _named(way: str, rounds: Sequence[Played]) -> str:
    """Say with a cut how it was done."""
    return f"{way} ({rounds[0].cut})" if way == "cut off" and rounds[0].cut else way


if __name__ == "__main__":
    main()
