"""The worker as the settings want it: the engine's handlers, and how many of each at once."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from packmule.assembly.build import Builder
from packmule.cleanup.expiry import Expiry, Removal
from packmule.engine.interface import Task
from packmule.wiring.signs import telling
from packmule.wiring.stores import BUILD, EXPIRE, REMOVE, open_stores
from packmule.wiring.workshop import open_workshop
from packmule.worker.run import Duty, work

if TYPE_CHECKING:
    from threading import Event

    from packmule.settings import Settings


def run_worker(settings: Settings, stop: Event) -> None:
    """Run jobs until `stop` is set and those in work have come to rest."""
    with (
        open_stores(settings) as stores,
        open_workshop(settings, on_failure=_end_at_once) as workshop,
    ):
        builder = Builder(stores.jobs, stores.storage, workshop)
        expiry = Expiry(stores.jobs, stores.defer_removal, lambda: datetime.now(UTC))
        duties = {
            BUILD: Duty(builder.build, settings.concurrent_jobs),
            EXPIRE: Duty(expiry.sweep, 1),
            REMOVE: Duty(Removal(stores.storage).remove, 1),
        }
        with stores.transaction() as connection:
            stores.engine.defer(connection, Task(EXPIRE, "all"))
        with telling(settings, workshop) as signs:
            work(stores.engine, duties, signs, stop)


def _end_at_once() -> None:
    """End this process as a kill would: its jobs are taken up by the next one, not failed."""
    os._exit(1)
