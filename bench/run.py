"""The benchmark's entry: `bench/run.py [options]` runs it, `bench/run.py report` writes it again.

Owns the command line; the course of a run is `rounds.py`'s.
"""

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, the project's root is not

from bench import document, equipment, machine, records, report, rounds  # noqa: E402
from bench.contestants import roster  # noqa: E402
from bench.works import USUAL, WORKS, scaled  # noqa: E402

# Options that name a place of this machine, or where the report goes: not part of the method.
PRIVATE = ("--dir", "--output")


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("run", "report"), default="run")
    parser.add_argument("--works", type=_names, help=f"which of {', '.join(_works())}")
    parser.add_argument("--only", type=_names, help=f"which of {', '.join(roster.NAMES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=2, help="rounds for the slow ones")
    parser.add_argument("--slow-seconds", type=float, default=12.0, help="who is slow")
    parser.add_argument("--scale", type=float, default=1.0, help="shrink the data, for a trial")
    parser.add_argument("--set", action="append", default=[], metavar="PACKMULE_X=Y")
    parser.add_argument("--dir", type=Path, default=os.environ.get("BENCH_DIR"))
    parser.add_argument(
        "--output", type=Path, help="the report; a whole run goes into docs/benchmarks.md"
    )
    parser.add_argument("--run", action="append", default=[], help="report on these runs")
    chosen = parser.parse_args(arguments)
    for given, known in ((chosen.works, _works()), (chosen.only, roster.NAMES)):
        unknown = set(given or ()) - set(known)
        if unknown:
            parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return chosen


def _works() -> list[str]:
    """Name all works."""
    return [work.name for work in WORKS]


def _names(text: str) -> list[str]:
    """Split names at commas."""
    return [name for name in text.split(",") if name]


def command_line(arguments: Sequence[str]) -> str:
    """Return the command that repeats this run, without paths of this machine."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        private = argument.partition("=")[0] in PRIVATE
        if not (skip or private):
            kept.append(argument)
        skip = private and "=" not in argument
    return f'make bench ARGS="{shlex.join(kept)}"' if kept else "make bench"


def run(chosen: argparse.Namespace, arguments: Sequence[str], folder: Path) -> None:
    """Run the benchmark and report on it."""
    equipped = equipment.provide(folder)
    extra = dict(pair.split("=", 1) for pair in chosen.set)
    contestants = roster.contestants(equipped, extra, chosen.only)
    wanted = chosen.works or USUAL
    works = [scaled(work, chosen.scale) for work in WORKS if work.name in wanted]
    plan = rounds.Plan(
        run=rounds.now_id(),
        works=works,
        contestants=contestants,
        rounds=chosen.rounds,
        slow_rounds=chosen.slow_rounds,
        slow_seconds=chosen.slow_seconds,
        folder=folder,
    )
    results = folder / "results.jsonl"
    records.append(
        results,
        records.Run(
            id=plan.run,
            at=time.strftime("%Y-%m-%d", time.gmtime()),
            command=command_line(arguments),
            scale=chosen.scale,
            machine=machine.describe(folder),
            versions=equipment.versions(equipped),
            works={work.name: work.title for work in works},
            titles={one.name: one.title for one in contestants},
            ways={one.name: one.how for one in contestants},
        ),
    )

    def note(record: records.Record) -> None:
        """Keep a reading, and show it."""
        records.append(results, record)
        print(f"{record.work:6} {record.round + 1} {record.contestant:13} {outcome(record)}")

    rounds.play(plan, note)
    whole = chosen.scale == 1 and not chosen.works and not chosen.only
    publish(results, [plan.run], chosen.output or (document.DOCUMENT if whole else None))


def outcome(record: records.Record) -> str:
    """Show a reading on one line."""
    if record.failure is not None:
        return f"failed: {record.failure}"
    return (
        f"{record.seconds:7.2f} s {record.cpu_seconds:7.2f} CPU s {record.peak_bytes / 1e6:6.0f} MB"
    )


def publish(results: Path, wanted: Sequence[str], output: Path | None) -> None:
    """Write the report to a file, or else to the terminal."""
    text = report.render(*records.chosen(results, wanted))
    if output is None:
        print(text)
        return
    document.write("packing", text, output)


def _end(number: int, frame: FrameType | None) -> None:
    """End the run at SIGTERM, and at ctrl-C even in a shell's background; leave nothing behind."""
    del number, frame
    raise KeyboardInterrupt


def main() -> int:
    """Do what the command line says."""
    arguments = sys.argv[1:]
    chosen = options(arguments)
    folder = (chosen.dir or ROOT / "bench/.work").resolve()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        if chosen.action == "report":
            publish(folder / "results.jsonl", chosen.run, chosen.output)
        else:
            run(chosen, arguments, folder)
    except KeyboardInterrupt:
        print("Ended early; what was measured is kept.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
