"""Downloads of an archive: ours beside nginx's sendfile of the same file, in turns, in one run.

Owns the turns and the verdict: a whole file at 80 % of nginx's speed at least, ranges at 50 %.
Leaves starting both servers to `origin.py` and `contestants/ours.py`, a reading to `measure.py`.

    make bench-downloads                              two minutes
    make bench-downloads ARGS="--mib 64 --rounds 1"   a trial; its times mean nothing

The archive is made by the service itself, of incompressible files, and is in the page cache. The
client is curl, which writes to /dev/null: one connection for the whole file; for ranges eight at
once, each its eighth, and 64 of 1 MiB one after another on one connection, as a player seeks.
"""

import argparse
import os
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import document, machine
from bench.contestants.contract import Task
from bench.contestants.ours import Service
from bench.data import DataSet, provide
from bench.equipment import our_program
from bench.measure import Step, run_steps
from bench.origin import running
from bench.rounds import environment
from bench.works import MIB, Door, Files, Work

AT_ONCE = 8
SEEKS = 64
LIMIT_SECONDS = 300.0
FILES = 16
OURS, THEIRS = "packmule", "nginx"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to download: how it is called, which share of nginx's speed it must reach."""

    name: str
    title: str
    share: float

    def ranges(self, size: int) -> list[tuple[int, int]]:
        """List the ranges asked for, first and last byte; none for the whole."""
        if self.name == "whole":
            return []
        if self.name == "parallel":
            step = -(-size // AT_ONCE)
            return [(at, min(at + step, size) - 1) for at in range(0, size, step)]
        step = size // SEEKS
        return [(at, min(at + MIB, size) - 1) for at in range(0, step * SEEKS, step)]


WAYS = (
    Way("whole", "the whole file", 0.8),
    Way("parallel", "eight ranges at once, the whole together", 0.5),
    Way("seeks", "64 ranges of 1 MiB, one after another", 0.5),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a way took from each, in seconds, round by round, and how many bytes it moved."""

    way: Way
    moved: int
    seconds: dict[str, list[float]]

    @property
    def share(self) -> float:
        """Our speed as a share of nginx's, by the medians."""
        median = statistics.median
        return median(self.seconds[THEIRS]) / median(self.seconds[OURS])

    @property
    def held(self) -> bool:
        """Return whether the promise is kept."""
        return self.share >= self.way.share


def curl(url: str, ranges: Sequence[tuple[int, int]], *, at_once: bool, folder: Path) -> Step:
    """Make the command that downloads to nowhere."""
    if not ranges:
        return Step(["curl", "-sSf", "-o", "/dev/null", url], folder)
    config = folder / "ranges.conf"
    each = (
        f'url = "{url}"\nrange = "{first}-{last}"\noutput = "/dev/null"\n' for first, last in ranges
    )
    config.write_text("next\n".join(f"{one}fail\n" for one in each))
    options = ["--parallel", "--parallel-immediate"] if at_once else []
    return Step(["curl", "-sS", *options, "-K", str(config)], folder)


def measure(urls: dict[str, str], size: int, rounds: int, folder: Path) -> list[Row]:
    """Measure both in each way and round, in a different order each time."""
    rows = []
    for way in WAYS:
        ranges = way.ranges(size)
        moved = sum(last - first + 1 for first, last in ranges) or size
        seconds: dict[str, list[float]] = {OURS: [], THEIRS: []}
        for turn in range(rounds + 1):
            names = [OURS, THEIRS] if turn % 2 else [THEIRS, OURS]
            for name in names:
                step = curl(urls[name], ranges, at_once=way.name == "parallel", folder=folder)
                log = folder / "curl.log"
                reading = run_steps([step], environment(None), log, LIMIT_SECONDS)
                if turn:  # the first one warms both up
                    seconds[name].append(reading.seconds)
        rows.append(Row(way, moved, seconds))
        print(sentence(rows[-1]))
    return rows


def sentence(row: Row) -> str:
    """Return a sentence on how one way went."""
    speeds = {
        name: row.moved / 1e9 / statistics.median(seconds) for name, seconds in row.seconds.items()
    }
    return (
        f"{row.way.title}: {speeds[OURS]:.2f} GB/s, nginx {speeds[THEIRS]:.2f}: {row.share:.0%} "
        f"(at least {row.way.share:.0%}), {'kept' if row.held else 'not kept'}"
    )


def section(rows: Sequence[Row], size: int, rounds: int, about: dict[str, str]) -> str:
    """Write the document's section."""
    lines = [
        "## Downloads",
        "",
        (
            f"By `make bench-downloads`: an archive of {size / 1e9:.2f} GB in the page cache, sent "
            f"by `packmule serve` and by nginx's sendfile in turns, medians of {rounds} rounds; "
            f"{'; '.join(about.values())}."
        ),
        "",
        "| | Packmule, GB/s | nginx, GB/s | of nginx | at least | |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        median = {name: statistics.median(seconds) for name, seconds in row.seconds.items()}
        speed = {name: row.moved / 1e9 / seconds for name, seconds in median.items()}
        lines.append(
            f"| {row.way.title} | {speed[OURS]:.2f} | {speed[THEIRS]:.2f} | {row.share:.0%} "
            f"| {row.way.share:.0%} | {'held' if row.held else '**missed**'} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and exit with 1 where a promise is not kept."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--mib", type=int, default=4096, help="size of the archive")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--dir", type=Path, default=Path("bench/.work"))
    given = options.parse_args()
    work = given.dir.absolute()
    files = Files(FILES, given.mib * MIB // FILES)
    data: DataSet = provide(files, work / "data")
    (work / "downloads").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work / "downloads") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "out").mkdir()
        origin = stack.enter_context(running(work / "data", folder / "origin", None))
        service = Service(our_program(), {})
        what = Work("downloads", files, Door.PLAIN, AT_ONCE)
        urls = origin.urls(Door.PLAIN, data)
        task = Task(what, data, urls, folder / "out", None, None, environment(None))
        stack.enter_context(service.ready(task))
        archive = service.run(task).archive
        assert archive is not None  # noqa: S101 - the service makes one or raises
        shared = folder / "shared"
        shared.mkdir()
        os.link(archive, shared / "archive.zip")
        nginx = stack.enter_context(running(shared, folder / "nginx", None))
        both = {
            OURS: service.download_url(archive.stem),
            THEIRS: f"{nginx.bases[Door.PLAIN]}/archive.zip",
        }
        size = archive.stat().st_size
        rows = measure(both, size, given.rounds, folder)
        about = machine.describe(folder)
    shutil.rmtree(work / "downloads", ignore_errors=True)
    if given.mib == options.get_default("mib"):
        document.write("downloads", section(rows, size, given.rounds, about))
    raise SystemExit(not all(row.held for row in rows))


if __name__ == "__main__":
    main()
