"""How the metrics of one process reach the scrape of another: as a file, replaced at intervals.

Owns the folder `metrics` of the data directory. A worker writes all it counts every two seconds,
whole or not at all (a rename); the API reads what is there. Each worker holds the lock of a name,
the smallest that is free, so names are as many as workers and come again after a restart: to
Prometheus a restarted worker is the same series started over, which it knows as a reset.
What is older than `STALE_AFTER` comes from a worker that is dead or frozen, and is not told: so
neither a number nor a worker is counted twice. Nothing here need survive a power cut.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from packmule.durable_files import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STALE_AFTER = 10.0
_MODE = 0o600


class Snapshot:
    """The metrics file of one process; `name` is that process's."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._path = folder / f"{name}.prom"

    def write(self, text: bytes) -> None:
        """Replace what was written before. Raises OSError."""
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
            fresh.replace(self._path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise

    def remove(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)


@contextmanager
def claimed(data_dir: Path, kind: str) -> Iterator[Snapshot]:
    """Claim the first free name of a kind for this process, for as long as the context lasts.

    Raises OSError where the data directory cannot be written.
    """
    folder = data_dir / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        name = kind if number == 1 else f"{kind}-{number}"
        descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            if not try_lock(descriptor):
                continue
            snapshot = Snapshot(folder, name)
            try:
                snapshot.remove()
                yield snapshot
            finally:
                snapshot.remove()
        finally:
            os.close(descriptor)
        return


def told(data_dir: Path) -> Iterator[str]:
    """Return what the processes that are alive have written last."""
    now = time.time()
    for path in sorted((data_dir / "metrics").glob("*.prom")):
        try:
            with path.open(encoding="utf-8") as file:
                # In the future if the clock was set back since; who is alive writes soon.
                if abs(now - os.fstat(file.fileno()).st_mtime) <= STALE_AFTER:
                    yield file.read()
        except (OSError, UnicodeDecodeError):  # gone meanwhile, or damaged: it tells nothing
            continue
