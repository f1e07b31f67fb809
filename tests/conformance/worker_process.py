"""A worker as a process of its own, to be killed and frozen: `worker_process.py URL NOTES LEASE`.

Its one kind of task, `hold`, writes a file `<key>.<pid>.began` into the folder NOTES, waits there
for a file `release` (or to be told to stop), and writes `<key>.<pid>.ended`. SIGTERM drains.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from threading import Event

from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Engine, Later
from packmule.engine.postgres import PostgresEngine
from packmule.jobs import database


def engine_of(url: str, lease: float) -> Engine:
    """Open the engine that belongs to that kind of database."""
    db = database.connect(url)
    if db.dialect.name == "postgresql":
        return PostgresEngine(db, lease=lease)
    return EmbeddedEngine(db, lease=lease)


def main(url: str, notes: Path, lease: float) -> None:
    """Work until told to stop."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def hold(key: str, stopping: Event) -> Later | None:
        (notes / f"{key}.{os.getpid()}.began").touch()
        while not (notes / "release").exists():
            if stopping.wait(0.01):
                return Later(0)
        (notes / f"{key}.{os.getpid()}.ended").touch()
        return None

    engine_of(url, lease).run({"hold": hold}, concurrency={"hold": 4}, stop=stop)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
