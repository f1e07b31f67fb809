"""Servers that a benchmark starts beside what it measures.

Owns waiting until one is ready, what it said if it never was, and its end.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.measure import tail
from bench.processes import end_tree

START_SECONDS = 10.0


@contextmanager
def server(command: Sequence[str], is_ready: Callable[[], bool], log: Path) -> Iterator[None]:
    """Run a server until the block ends, which begins when the server is ready."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{Path(command[0]).name} did not start: {tail(log)}")
            time.sleep(0.02)
        yield
    finally:
        end_tree(process)
