"""`python -m tests.kills.run`: kills at random and at every point, and one line of figures.

--rounds N    rounds of random kills of the service; 0, 1, … are the seeds
--points A,B  which enumerations to run; see `ENUMERATIONS`; none with an empty text
"""

from __future__ import annotations

import argparse
import errno
import itertools
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.kills.gate import Verdict
from tests.kills.load import Round
from tests.kills.points import Hits, hit_pack, hit_split, hit_worker, is_crash_point, is_refusable
from tests.kills.rounds import play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.kills.gate import Call
    from tests.kills.points import Result

SIDE_BY_SIDE = 4


class Enumeration(NamedTuple):
    """Every point of a run, one after another, and what becomes of the call there."""

    hit: Callable[[Path, Hits], Result]
    chosen: Callable[[Call], bool]
    verdict: Verdict | int
    lasting: bool = False


ENUMERATIONS = {
    "pack-killed": Enumeration(hit_pack, is_crash_point, Verdict.KILL),
    "worker-killed": Enumeration(hit_worker, is_crash_point, Verdict.KILL),
    "split-killed": Enumeration(hit_split, is_crash_point, Verdict.KILL),
    "pack-ENOSPC": Enumeration(hit_pack, is_refusable, errno.ENOSPC),
    "pack-EIO": Enumeration(hit_pack, is_refusable, errno.EIO),
    "worker-ENOSPC": Enumeration(hit_worker, is_refusable, errno.ENOSPC),
    "worker-EIO": Enumeration(hit_worker, is_refusable, errno.EIO),
    "split-EIO": Enumeration(hit_split, is_refusable, errno.EIO),
    "worker-ENOSPC-lasting": Enumeration(hit_worker, is_refusable, errno.ENOSPC, lasting=True),
}


def main() -> None:
    """Play everything; exit with 1 where something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--points", default=",".join(ENUMERATIONS))
    asked = parser.parse_args()
    names = [name for name in asked.points.split(",") if name]
    with tempfile.TemporaryDirectory() as folder:
        figures, right = _rounds(asked.rounds, Path(folder))
        for name in names:
            figure, all_right = _points(name, Path(folder))
            figures += f"; {figure}"
            right = right and all_right
    sys.stdout.write(f"kills: {figures}\n")
    sys.exit(0 if right else 1)


def _rounds(count: int, folder: Path) -> tuple[str, bool]:
    """Play the rounds of random kills."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        said = list(pool.map(lambda seed: _played(seed, folder / f"round-{seed}"), range(count)))
    wrong = [one for one in said if one.problems]
    kills, jobs = sum(len(one.kills) for one in said), sum(one.jobs for one in said)
    twice = sum(one.sent for one in said) / (sum(one.wanted for one in said) or 1) - 1
    figure = (
        f"{count - len(wrong)} of {count} rounds right "
        f"({kills} kills, {jobs} jobs, {twice:.1%} fetched twice)"
    )
    return figure, not wrong


def _played(seed: int, folder: Path) -> Round:
    try:
        said = play(seed, folder)
    except AssertionError as error:
        said = Round(seed, [str(error)])
    for problem in said.problems:
        _tell(f"round {seed}, after {', '.join(said.kills)}: {problem}")
    return said


def _points(name: str, folder: Path) -> tuple[str, bool]:
    """Hit a run at its first point, its second, and so on, until it has no more."""
    one = ENUMERATIONS[name]

    def hit(number: int) -> Result:
        hits = Hits(number, one.chosen, one.verdict, one.lasting)
        result = one.hit(folder / f"{name}-{number}", hits)
        for problem in result.problems:
            _tell(f"{name} {number}, {', '.join(result.hit[:3])}: {problem}")
        return result

    results = list(_until_none_is_hit(hit))
    wrong = sum(1 for result in results if result.problems)
    return f"{name} {len(results) - wrong} of {len(results)}", not wrong


def _until_none_is_hit(hit: Callable[[int], Result]) -> Iterator[Result]:
    numbers = itertools.count(1)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        while True:
            batch = list(pool.map(hit, itertools.islice(numbers, 2 * SIDE_BY_SIDE)))
            # What was not hit ran undisturbed to its end, and must be right as well.
            yield from (result for result in batch if result.hit or result.problems)
            if not any(result.hit for result in batch):
                return


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
