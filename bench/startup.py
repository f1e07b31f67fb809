"""Start-up: the process time of `packmule pack` for one small file, beside curl and bare Python.

Owns the turns and the verdict: at most 0.25 seconds of user and system time. Leaves serving to
`origin.py`, taking a reading to `measure.py`.

    make bench-startup                        a few seconds
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from bench import document, machine
from bench.data import provide
from bench.equipment import our_program
from bench.measure import Step, run_steps
from bench.origin import HOST, running
from bench.rounds import environment
from bench.works import KIB, Door, Files

LIMIT = 0.25
LIMIT_SECONDS = 60.0
OURS = "`packmule pack`"


def measure(commands: dict[str, list[str]], rounds: int, folder: Path) -> dict[str, list[float]]:
    """Run each command in each round; return their process times in seconds."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            (folder / "out").unlink(missing_ok=True)
            step = Step(command, folder)
            reading = run_steps([step], environment(None), folder / "log", LIMIT_SECONDS)
            if turn:  # the first one warms them up
                taken[name].append(reading.cpu_seconds)
    return taken


def section(taken: dict[str, list[float]], about: dict[str, str]) -> str:
    """Write the document's section."""
    held = statistics.median(taken[OURS]) <= LIMIT
    rounds = len(taken[OURS])
    lines = [
        "## Start-up",
        "",
        (
            f"By `make bench-startup`: process time for one file of 1 KiB, medians of {rounds} "
            f"rounds; {'; '.join(about.values())}."
        ),
        "",
        "| | seconds | least to most |",
        "|---|--:|--:|",
    ]
    lines += [
        f"| {name} | {statistics.median(times):.3f} | {min(times):.3f} to {max(times):.3f} |"
        for name, times in taken.items()
    ]
    verdict = "held" if held else "**missed**"
    return "\n".join([*lines, "", f"At most {LIMIT} seconds for {OURS}: {verdict}."])


def main() -> None:
    """Measure, print, and exit with 1 where the promise is not kept."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=21)
    options.add_argument("--dir", type=Path, default=Path("bench/.work"))
    given = options.parse_args()
    work = given.dir.absolute()
    data = provide(Files(1, KIB), work / "data")
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        with running(work / "data", folder / "origin", None) as origin:
            (url,) = origin.urls(Door.PLAIN, data)
            out = ["-o", str(folder / "out")]
            commands = {
                OURS: [str(our_program()), "pack", "-q", "--allow-network", HOST, *out, url],
                "`curl`": ["curl", "-sS", *out, url],
                "`python -c pass`": [sys.executable, "-c", "pass"],
            }
            taken = measure(commands, given.rounds, folder)
        about = machine.describe(folder)
    text = section(taken, about)
    print(text)
    if given.rounds >= options.get_default("rounds"):
        document.write("startup", text)
    raise SystemExit(statistics.median(taken[OURS]) > LIMIT)


if __name__ == "__main__":
    main()
