"""The benchmark on an emulated wide-area link: Packmule beside curl, aria2, wget2 and rclone.

Owns the command line and where the report goes.

    make bench-wan                                     all of it, about an hour
    make bench-wan ARGS="--cases large,small --rounds 3"   some cases; only prints
    make bench-wan ARGS="--only pack,aria2 --cases large"  some contestants; only prints
    make bench-wan ARGS="--report"                     the document again, from the last readings
"""

import argparse
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench import certificate, document, machine
from bench.equipment import our_program
from bench.wan import contestants, network, picture, readings, report
from bench.wan.cases import CASES, NAMES, Case
from bench.wan.course import Setup, play, subject_names

ROUNDS = 5
PICTURE = document.DOCUMENT.parent / "images/wan-throughput.svg"
KEPT = "readings"
PICTURED = ("large", "small", "mixed")
VERSIONS = {"curl": "--version", "aria2c": "--version", "wget2": "--version", "rclone": "version",
            "nginx": "-v"}  # fmt: skip


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=_names, default=list(NAMES), help=", ".join(NAMES))
    parser.add_argument("--only", type=_names, default=[], help="some contestants, like pack,aria2")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--dir", type=Path, default=Path("bench/.work"))
    parser.add_argument("--report", action="store_true", help="only write the document again")
    given = parser.parse_args(arguments)
    if unknown := sorted(set(given.cases) - set(NAMES)):
        parser.error(f"no case is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return given


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def main() -> None:
    """Run, print the targets, and exit with 1 where one was missed."""
    given = options()
    folder = given.dir.absolute() / "wan"
    kept = folder / KEPT
    chosen = [case for case in CASES if case.name in given.cases]
    if given.report:
        write_document(kept, folder)
        return
    if reason := network.obstacle():
        print(f"The benchmark on an emulated link was skipped: {reason}.")
        return
    if missing := contestants.missing_packages():
        raise SystemExit(f"It needs {', '.join(missing)}: apt-get install {' '.join(missing)}")
    results = run(chosen, given, folder)
    print()
    print(report.targets(chosen, results))
    if is_kept(given) and len(chosen) == len(CASES):
        write_document(kept, folder)
    raise SystemExit(not all(report.all_held(case, results[case.name]) for case in chosen))


def is_kept(given: argparse.Namespace) -> bool:
    """Return whether a run's readings replace those that are there."""
    return bool(given.rounds >= ROUNDS and not given.only)


def run(
    cases: Sequence[Case], given: argparse.Namespace, folder: Path
) -> dict[str, readings.Result]:
    """Run the cases one after another."""
    folder.mkdir(parents=True, exist_ok=True)
    made = certificate.make(folder, subject_names())
    setup = Setup(our_program(), network.compile_link(folder), made, folder)
    results = {}
    for case in cases:
        moved, lines = play(case, setup, given.rounds, given.only)
        at = time.strftime("%Y-%m-%d", time.gmtime())
        results[case.name] = readings.Result(case.name, _commit(), at, given.rounds, moved, lines)
        if is_kept(given):
            readings.write(folder / KEPT, results[case.name])
        print(f"\n{report.table(case, results[case.name])}\n", flush=True)
    return results


def write_document(kept: Path, folder: Path) -> None:
    """Write the document's section and its picture from the readings of every case."""
    found = {result.case: result for result in readings.read(kept, NAMES)}
    missing = [name for name in NAMES if name not in found]
    if missing:
        print(f"There are no readings of {', '.join(missing)} yet")
    if set(PICTURED) & set(missing):
        raise SystemExit("Without them there is no picture.")
    cases = [case for case in CASES if case.name in found]
    pictured = [case for case in cases if case.name in PICTURED]
    PICTURE.write_text(picture.draw([_panel(case, found[case.name]) for case in pictured]))
    about = machine.describe(folder)
    versions = ", ".join(f"{name} {_version(name, word)}" for name, word in VERSIONS.items())
    of = sorted({f"{result.at} ({result.commit})" for result in found.values()})
    lines = [
        f"Machine: {about['processor']}; {about['memory']}; {about['kernel']}; {about['disk']}.",
        f"Measured on {', '.join(of)}; medians of {ROUNDS} rounds.",
        f"Versions: {versions}.",
    ]
    where = f"{PICTURE.parent.name}/{PICTURE.name}"
    document.write("wan", report.section(cases, found, lines, where))


def _panel(case: Case, result: readings.Result) -> picture.Panel:
    """Choose the lines of a case's picture: ours, and the fastest of curl and of aria2."""
    good = [line for line in result.lines if line.counts]
    shown = [line for line in good if line.name in contestants.OURS]
    for peer in ("curl-", "aria2"):
        lines = [line for line in good if line.name.startswith(peer)]
        shown += sorted(lines, key=lambda line: line.seconds or 0.0)[:1]
    series = [
        picture.Series(re.sub(r"[`*]", "", one.title), one.middle().received) for one in shown
    ]
    return picture.Panel(f"{case.title}: {case.words}", series)


def _commit() -> str:
    """Name the commit that is measured."""
    words = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=, changed"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def _version(program: str, word: str) -> str:
    """Return the version of a program."""
    done = subprocess.run([program, word], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return found.group() if found else "unknown"


if __name__ == "__main__":
    main()
