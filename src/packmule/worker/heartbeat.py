"""The worker's heartbeat: the modification time of a file in the data directory.

Owns the file, its writing and its reading. All workers of a data directory share it: it says when
any of them was last alive, which is what readiness asks. Where workers are on many machines, their
engine tells it instead.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Heartbeat:
    """The heartbeat file in `data_dir`."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "worker-alive"

    def beat(self) -> None:
        """Record that a worker is alive now. Raises OSError if the directory can't be written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.utime(descriptor)
        finally:
            os.close(descriptor)

    def age(self) -> float | None:
        """Return how many seconds ago a worker was last alive; None for never."""
        try:
            seen_at = self._path.stat().st_mtime
        except FileNotFoundError:
            return None
        # In the future if the clock was set back since: a worker that is alive beats soon.
        return abs(time.time() - seen_at)
