"""`make mutants`: change the pure modules in small ways, and see whether their tests notice.

    python -m tests.mutants.run [TARGET ...] [--jobs N] [--every N]

Owns the report: each mutation that stays alive, then for each module how many were noticed.
Exits with 1 where less than 95 % are noticed or the list of equivalents is out of date.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import time
from dataclasses import dataclass

from tests.house.imports import graph
from tests.mutants.equivalents import EQUIVALENT
from tests.mutants.mutating import mutations, sampled
from tests.mutants.targets import TARGETS, Target
from tests.mutants.trying import ROOT, in_a_fork, loaded_by, passes_unchanged, verdicts, warm_up

WANTED = 0.95


@dataclass
class Result:
    """What became of a module's mutations."""

    noticed: int
    total: int
    stale: list[str]


def dependents(module: str) -> set[str]:
    """Return a module and every module that imports it, directly or not."""
    edges = graph()
    found = {module}
    # What lies in a package imports its head as well.
    while (
        more := {
            name
            for name, imports in edges.items()
            if imports & found or name.rpartition(".")[0] in found
        }
        - found
    ):
        found |= more
    return found


def tried(target: Target, jobs: int, every: int) -> Result:
    """Try a target's mutations; to be called in a process of its own."""
    tree = ast.parse((ROOT / target.path).read_text(encoding="utf-8"))
    equivalent = EQUIVALENT.get(target.name, {})
    made = mutations(tree)
    stale = sorted(set(equivalent) - {each.name for each in made})
    wanted = sampled((each for each in made if each.name not in equivalent), every)
    code, names, seconds = loaded_by(target.tests)
    if code != 0:
        sys.exit(f"{target.name}: its tests do not pass as it is (pytest's exit code {code})")
    warm_up(names, dependents(target.module))
    if not passes_unchanged(target, tree):
        sys.exit(f"{target.name}: its tests pass, but not in a fork")
    alive = 0
    for each in verdicts(target, tree, wanted, seconds, jobs):
        if not each.noticed:
            alive += 1
            # At once: a run that is cut short has told what it found until then.
            say(f"  alive  {target.path}:{each.mutation.line}: {each.mutation.name}")
    return Result(len(wanted) - alive, len(wanted), stale)


def reported(target: Target, jobs: int, every: int) -> tuple[int, int, bool]:
    """Try a target in a fork and print what was found; return noticed, total, and up to date."""
    reading, writing = os.pipe()
    began = time.monotonic()

    def work() -> int:
        result = tried(target, jobs, every)
        for name in result.stale:
            say(f"  listed as equivalent, but no longer made: {name}")
        os.write(writing, f"{result.noticed} {result.total} {len(result.stale)}".encode())
        return 0

    process_id = in_a_fork(work)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        figures = pipe.read().split()
    os.waitpid(process_id, 0)
    if not figures:
        say(f"{target.name}: could not be tried")
        return 0, 1, False
    noticed, total, stale = map(int, figures)
    seconds = time.monotonic() - began
    say(f"{target.name}: {noticed} of {total} noticed ({seconds:.0f} s)")
    return noticed, total, stale == 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Try the targets asked for, or all, and return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    known = {each.name: each for each in TARGETS}
    arguments.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(known))
    arguments.add_argument("--jobs", type=int, default=2, help="mutations side by side")
    arguments.add_argument("--every", type=int, default=1, help="try one mutation of so many")
    asked = arguments.parse_args()
    if unknown := set(asked.targets) - set(known):
        arguments.error(f"no such target: {', '.join(sorted(unknown))}")
    # The same examples in each run, and no time spent on making a failure small.
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    results = [
        reported(known[name], asked.jobs, asked.every) for name in asked.targets or sorted(known)
    ]
    noticed, total = sum(each[0] for each in results), sum(each[1] for each in results)
    say(f"{noticed} of {total} mutations noticed ({noticed / total:.1%}; {WANTED:.0%} wanted)")
    return 0 if noticed >= WANTED * total and all(each[2] for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
