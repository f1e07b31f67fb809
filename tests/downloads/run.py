"""`python -m tests.downloads.run`: real clients cut at random, many at once, one line of figures.

--rounds N     downloads by each of wget, curl and aria2c; 1, 2, … are the seeds
--at-once N    downloads at once
--mib N        size of the archive they download
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.downloads.clients import CLIENTS, fetch
from tests.downloads.crowd import gather
from tests.downloads.served import MIB, serving
from tests.fakes.cutter import Cutter

if TYPE_CHECKING:
    from tests.downloads.served import Served


def main() -> None:
    """Make all downloads; exit with 1 where one was wrong or could not be tried."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=500)
    parser.add_argument("--mib", type=int, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with serving(Path(folder), asked.mib * MIB) as served:
            by_client = {name: _rounds(served, name, asked.rounds) for name in CLIENTS}
            crowd = gather(served, asked.at_once)
        for fault in crowd.faults:
            sys.stdout.write(f"{fault}\n")
    right = sum(by_client.values()) + crowd.right
    count = asked.rounds * len(CLIENTS) + crowd.asked
    each = ", ".join(f"{name} {done} of {asked.rounds}" for name, done in by_client.items())
    sys.stdout.write(
        f"downloads: {right} of {count} right ({each}; at once {crowd.right} of {crowd.asked} with "
        f"{crowd.cuts} cuts, the API grew by {crowd.growth / MIB:.0f} MiB)\n"
    )
    sys.exit(right != count)


def _rounds(served: Served, client: str, count: int) -> int:
    """Download so often by one program; tell how often it was right."""
    if shutil.which(client) is None:
        sys.stdout.write(f"{client} is not installed (see .ci/run)\n")
        return 0
    return sum(_is_right(served, client, seed) for seed in range(1, count + 1))


def _is_right(served: Served, client: str, seed: int) -> bool:
    with (
        tempfile.TemporaryDirectory() as folder,
        Cutter(served.service.port, seed, least=1, most=8 * MIB) as cutter,
    ):
        file = Path(folder) / "got.zip"
        fetched = fetch(client, served.url(cutter.port), file)
        right = fetched.done and filecmp.cmp(file, served.file, shallow=False)
    if not right:
        sys.stdout.write(f"{client}, seed {seed}: {fetched.said or 'other bytes'}\n")
    return right


if __name__ == "__main__":
    main()
