"""Programs that people download with, run again and again until they say that all is there.

Owns their command lines. Each is told to try once, so that what is continued is continued by the
next call, as a person would type it; aria2c goes on by itself over eight connections as well.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST_CALLS = 200
PATIENCE = 50.0

CLIENTS: dict[str, list[str]] = {
    "wget": [
        *("wget", "-c", "--tries=1", "--timeout=20", "--no-proxy", "-nv"),
        *("-O", "{file}", "{url}"),
    ],
    "curl": ["curl", "-q", "-sS", "-C", "-", "--noproxy", "*", "-o", "{file}", "{url}"],
    "aria2c": [
        *("aria2c", "-x8", "-s8", "-k1M", "-c", "--no-conf", "--max-tries=3", "--retry-wait=0"),
        *("--file-allocation=none", "--summary-interval=0", "-q"),
        *("-d", "{folder}", "-o", "{name}", "{url}"),
    ],
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """How a download went: calls of the program until it exited with 0, and its last words."""

    calls: int
    done: bool
    said: str


def fetch(client: str, url: str, file: Path) -> Fetched:
    """Call a program until it has the whole file."""
    given = {"file": str(file), "folder": str(file.parent), "name": file.name, "url": url}
    command = [part.format_map(given) for part in CLIENTS[client]]
    deadline = time.monotonic() + PATIENCE
    said = ""
    for call in range(1, MOST_CALLS + 1):
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        said = f"exit code {run.returncode}: {run.stdout}{run.stderr}".strip()
        if run.returncode == 0 or time.monotonic() > deadline:
            return Fetched(call, run.returncode == 0, said)
    return Fetched(MOST_CALLS, done=False, said=said)
