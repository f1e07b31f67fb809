"""`python -m tests.addresses.run`: every case over the real client, and one line of figures.

    --json        the reports instead of the line
    --loopback    without a network of our own: only what can be shown on loopback
    KIND...       only these kinds

By itself it enters a network of its own (`island`), where it is started anew.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.addresses import environment, island, kinds, world

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: dict[str, Callable[[world.World], kinds.Report]] = {
    "ip": kinds.ip,
    "url": kinds.url,
    "dns": kinds.dns,
    "rebind": kinds.rebind,
    "redirect": kinds.redirect,
    "env": environment.env,
    "webhook": kinds.webhook,
    "own": kinds.own,
}
NEED_EVERY_ADDRESS = {"ip", "url", "own"}


def main() -> None:
    """Run the kinds that are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--loopback", action="store_true")
    parser.add_argument("--entered", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    asked = parser.parse_args()
    if not asked.loopback and not asked.entered:
        command = [sys.executable, "-m", "tests.addresses.run", "--entered", *sys.argv[1:]]
        os.execvp("unshare", island.enter(command))  # noqa: S606 - ourselves, elsewhere
    if asked.entered:
        island.prepare()
    chosen = asked.kinds or [
        kind for kind in KINDS if not (asked.loopback and kind in NEED_EVERY_ADDRESS)
    ]
    reports = {kind: report(kind, on_loopback=asked.loopback) for kind in chosen}
    if asked.json:
        sys.stdout.write(json.dumps({kind: _plain(one) for kind, one in reports.items()}))
        return
    sys.exit(_tell(reports))


def report(kind: str, *, on_loopback: bool) -> kinds.Report:
    """Run one kind's cases."""
    with world.opened(on_loopback=on_loopback) as opened:
        return KINDS[kind](opened)


def _plain(one: kinds.Report) -> dict[str, object]:
    return {name: value for name, value in asdict(one).items() if name != "public"}


def _tell(reports: dict[str, kinds.Report]) -> int:
    """Print what is wrong and the line of figures; give the exit status."""
    for kind, one in reports.items():
        for line in (*one.wrong, *(f"connected to {leak}" for leak in one.leaks)):
            sys.stdout.write(f"{kind}: {line}\n")
    every = reports.values()
    cases, wrong = (
        sum(n) for n in zip(*((one.cases, len(one.wrong)) for one in every), strict=True)
    )
    leaks = sum(len(one.leaks) for one in every)
    refusals = sum(len(one.false_refusals) for one in every)
    sys.stdout.write(
        f"addresses: {cases - wrong} of {cases} right, {leaks} leaks, {refusals} false refusals\n"
    )
    return 1 if wrong or leaks else 0


if __name__ == "__main__":
    main()
