"""`python -m tests.faults.run`: the whole table and many mixtures, and one line of figures.

--mixtures N    how many mixtures; 0, 1, … are the seeds
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults import http2_judging, mixtures
from tests.faults.http2 import FAULTS
from tests.faults.judging import SIZES, played
from tests.faults.table import CASES

SIDE_BY_SIDE = 32


def main() -> None:
    """Play everything; exit with 1 where something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mixtures", type=int, default=4096)
    asked = parser.parse_args()
    table = _table()
    http2 = _http2()
    mixed = _mixtures(asked.mixtures)
    every = {**table, **http2, **mixed}
    for name, said in every.items():
        if said != "right":
            sys.stdout.write(f"{name}: {said}\n")
    sys.stdout.write(
        f"faults: {_line(table, len(CASES))}; of HTTP/2: {_line(http2, len(FAULTS))}; "
        f"mixtures: {_line(mixed, asked.mixtures)}\n"
    )
    sys.exit(any(said != "right" for said in every.values()))


def _line(found: dict[str, str], of: int) -> str:
    said = Counter(found.values())
    return f"{said['right']} of {of} right, {said['silently wrong']} wrong, {said['hung']} hung"


def _table() -> dict[str, str]:
    """Play each case at every size; a case is right if it is so at all of them."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as pool:
        runs = {
            (case.fault, size): pool.submit(played, case, size, _room(folder, case.fault, size))
            for case in CASES
            for size in SIZES
        }
        for (fault, _), run in runs.items():
            if found.get(fault, "right") == "right":
                found[fault] = run.result()
    return found


def _http2() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as pool:
        runs = {
            name: pool.submit(http2_judging.played, name, _room(folder, "http2", at))
            for at, name in enumerate(FAULTS)
        }
        return {f"HTTP/2, {name}": run.result() for name, run in runs.items()}


def _mixtures(count: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for first in range(0, count, SIDE_BY_SIDE):
        with tempfile.TemporaryDirectory() as folder:
            seeds = range(first, min(first + SIDE_BY_SIDE, count))
            said = mixtures.played(seeds, Path(folder))
            found |= {f"mixture {seed}": each for seed, each in said.items()}
    return found


def _room(folder: str, fault: str, size: int) -> Path:
    room = Path(folder, f"{fault}-{size}")
    room.mkdir()
    return room


if __name__ == "__main__":
    main()
