"""The worker as a process of its own, whose lease is short: `worker_process.py LEASE`.

The settings come from the environment, as they do for `packmule worker`; only the lease is no
setting. SIGTERM drains.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Event

from packmule import settings as settings_module
from packmule.assembly.build import Builder
from packmule.cli import logs
from packmule.engine.embedded import EmbeddedEngine
from packmule.jobs.database import connect
from packmule.jobs.store import JobStore
from packmule.storage.local import LocalStorage
from packmule.wiring.resources import open_resources
from packmule.wiring.stores import BUILD


def main(lease: float) -> None:
    """Work until told to stop."""
    settings = settings_module.read(os.environ)
    logs.start(settings, "worker")
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    database = connect(settings.database_url)
    with open_resources(settings) as resources:
        builder = Builder(JobStore(database), LocalStorage(settings.data_dir), resources)
        engine = EmbeddedEngine(database, lease=lease)
        engine.run({BUILD: builder.build}, concurrency={BUILD: settings.concurrent_jobs}, stop=stop)
    database.dispose()


if __name__ == "__main__":
    main(float(sys.argv[1]))
