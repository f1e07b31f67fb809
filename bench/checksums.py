"""What verifying costs: `packmule pack` without and with checksums and a manifest, in turns.

Owns the variants, the turns and the verdict: at most 25 % slower with. Leaves serving to
`origin.py`, taking a reading to `measure.py`.

    make bench-checksums                                        about five minutes
    make bench-checksums ARGS="--files 4 --mib 16 --rounds 1"   a trial; its times mean nothing

`--against FOLDER` adds the `packmule` of another virtual environment, such as one of the version
before: what it takes beside "none" is the cost where nothing is verified.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import statistics
import sys
from pathlib import Path

from bench.measure import Step, run_steps
from bench.origin import running
from bench.works import MIB, Door

SLOWER = 1.25
LIMIT_SECONDS = 600.0
FOLDER = "checksums"


def make_files(folder: Path, count: int, size: int) -> list[Path]:
    """Make the files not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{size}-{number}.bin" for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists() or path.stat().st_size != size:
            path.write_bytes(random.Random(number).randbytes(size))  # noqa: S311 - no secret
    return paths


def write_lists(folder: Path, links: dict[str, Path]) -> dict[str, Path]:
    """Write a list for each digest, and one without; give their paths."""
    lists = {name: folder / f"{name}.csv" for name in ("none", "sha256", "md5")}
    for name, path in lists.items():
        with path.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["url", name])
            for url, body in links.items():
                digest = "" if name == "none" else hashlib.new(name, body.read_bytes()).hexdigest()
                table.writerow([url, digest])
    return lists


def variants(lists: dict[str, Path], out: Path, against: Path | None) -> dict[str, list[Step]]:
    """List the commands to compare."""
    own = Path(sys.executable).with_name("packmule")

    def pack(program: Path, name: str, listed: str, *more: str) -> list[Step]:
        command = [str(program), "pack", "-q", "-f", "-i", str(lists[listed])]
        command += ["--allow-network", "127.0.0.0/8", *more, "-o", f"{name}.zip"]
        return [Step(command, out)]

    found = {
        "none": pack(own, "none", "none"),
        "sha256": pack(own, "sha256", "sha256"),
        "md5": pack(own, "md5", "md5"),
        "manifest": pack(own, "manifest", "none", "--manifest"),
    }
    if against is not None:
        found["before"] = pack(against / "bin/packmule", "before", "none")
    return found


def main() -> None:
    """Measure each once per round, in another order each time, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=64)
    parser.add_argument("--mib", type=float, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, default=Path("bench/.work"))
    parser.add_argument("--against", type=Path)
    asked = parser.parse_args()
    folder = asked.dir.absolute() / "checksums"
    paths = make_files(folder / FOLDER, asked.files, int(asked.mib * MIB))
    out = folder / "out"
    out.mkdir(exist_ok=True)
    with running(folder, folder / "server", None) as origin:
        base = f"{origin.bases[Door.PLAIN]}/{FOLDER}"
        who = variants(write_lists(folder, {f"{base}/{one.name}": one for one in paths}), out,
                       asked.against)  # fmt: skip
        seconds: dict[str, list[float]] = {name: [] for name in who}
        cpu: dict[str, list[float]] = {name: [] for name in who}
        for turn in range(asked.rounds):
            names = list(who)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                reading = run_steps(who[name], os.environ, folder / "log", LIMIT_SECONDS)
                seconds[name].append(reading.seconds)
                cpu[name].append(reading.cpu_seconds)
                (out / f"{name}.zip").unlink()
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        taken = statistics.median(cpu[name])
        print(f"{name:10} {median:7.2f} s  {median / medians['none']:5.2f}  {taken:7.2f} s of CPU")
    print(json.dumps(seconds))
    slow = [name for name, taken in medians.items() if taken > SLOWER * medians["none"]]
    raise SystemExit(f"slower than allowed: {', '.join(slow)}" if slow else 0)


if __name__ == "__main__":
    main()
