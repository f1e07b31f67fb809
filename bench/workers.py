"""Does work that waits for far origins get done in step with the workers? One beside several.

Owns the turns and the verdict: three workers at least 2.7 times as quick as one. Leaves starting
them to `fleet.py`, the origin to `latency.py`.

    make bench-workers                                five minutes
    make bench-workers ARGS="--jobs 30 --rounds 1"    a trial; its figures mean nothing

The origin answers each request after a fixed while, and a worker asks one host for eight files at
once: so it is the waiting that is shared out, and two processors are enough for three workers.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.fleet import Fleet, put_jobs, until
from bench.origin import HOST, free_port
from bench.processes import end_tree
from tests.fakes.postgres_server import PostgresServer

FEW, MANY = 1, 3
AT_LEAST = 2.7
FILES_A_JOB = 10
# A host whose files are smaller is asked for more at once (outbound/fetch_scheduler.py).
FILE_BYTES = 300_000
LATENCY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Result:
    """Files a second with few and with many workers, round by round."""

    few: tuple[float, ...]
    many: tuple[float, ...]

    @property
    def times(self) -> float:
        """How many times as quick the many are, by the medians."""
        return statistics.median(self.many) / statistics.median(self.few)

    @property
    def held(self) -> bool:
        """Return whether the promise is kept."""
        return self.times >= AT_LEAST

    def sentence(self) -> str:
        """Return it as one sentence."""
        few, many = statistics.median(self.few), statistics.median(self.many)
        return (
            f"workers: {few:.0f} files/s with {FEW} worker, {many:.0f} with {MANY}: "
            f"{self.times:.2f} times (at least {AT_LEAST}), "
            f"{'kept' if self.held else 'not kept'}"
        )


@contextmanager
def far_origin(folder: Path, latency: float) -> Iterator[list[str]]:
    """Serve files, each answer so many seconds late, until the end; give their links."""
    files = folder / "far"
    files.mkdir(parents=True)
    for number in range(FILES_A_JOB):
        (files / f"{number}.jpg").write_bytes(os.urandom(FILE_BYTES))
    port = free_port()
    program = [sys.executable, str(Path(__file__).parent / "latency.py")]
    server = subprocess.Popen(
        [*program, str(port), str(files), str(latency)], start_new_session=True
    )
    try:
        until(lambda: _listens(port), "the origin listens")
        yield [f"http://{HOST}:{port}/far/{number}.jpg" for number in range(FILES_A_JOB)]
    finally:
        end_tree(server)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def turn(fleet: Fleet, workers: int, jobs: Sequence[Sequence[str]]) -> float:
    """Run these jobs on this many workers; return files per second, from first to last."""
    with ExitStack() as stack:
        for number in range(workers):
            own = fleet.folder / f"data-{number}"
            stack.enter_context(fleet.process("worker", PACKMULE_DATA_DIR=str(own)))
        fleet.await_hearts(workers)
        begun = time.monotonic()
        put_jobs(fleet, jobs)
        fleet.await_completion()
        return sum(map(len, jobs)) / (time.monotonic() - begun)


def measure(jobs: int, rounds: int, folder: Path) -> Result:
    """Measure few and many workers in turns."""
    speeds: dict[int, list[float]] = {FEW: [], MANY: []}
    with (
        far_origin(folder, LATENCY_SECONDS) as links,
        PostgresServer(durable=True) as server,
    ):
        for number in range(rounds):
            for workers in (FEW, MANY) if number % 2 else (MANY, FEW):
                with closing(Fleet(folder / f"{number}-{workers}", server)) as fleet:
                    speeds[workers].append(turn(fleet, workers, [links] * jobs))
                print(f"{workers} workers: {speeds[workers][-1]:.0f} files/s")
    return Result(tuple(speeds[FEW]), tuple(speeds[MANY]))


def main() -> int:
    """Measure, and say whether the promise is kept."""
    parser = argparse.ArgumentParser(prog="bench.workers", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(chosen.jobs, chosen.rounds, Path(folder))
    print(result.sentence())
    return 0 if result.held else 1


if __name__ == "__main__":
    raise SystemExit(main())
