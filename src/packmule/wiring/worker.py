"""The worker as the settings want it: the engine's handlers, and how many of each at once."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from packmule.assembly.build import Builder, no_room
from packmule.assembly.draining import Drain
from packmule.cleanup.disk_space import LeftoverSweep, SpaceReclaimer
from packmule.cleanup.expiry import Expiry, Removal
from packmule.cleanup.orphans import OrphanSweep
from packmule.cleanup.reconciling import Reconciler
from packmule.cleanup.records import RecordBounds
from packmule.engine.interface import Later, Task
from packmule.storage.local import LocalStorage
from packmule.wiring.resources import open_resources
from packmule.wiring.stores import (
    BUILD,
    CLEAN,
    EXPIRE,
    JOB_WEBHOOK,
    REMOVE,
    WEBHOOK,
    open_stores,
)
from packmule.wiring.webhooks import AT_ONCE, announcer, delivering, refreshing
from packmule.wiring.worker_health import telling
from packmule.worker.host_exchange import sharing_hosts
from packmule.worker.run import Duty, work
from packmule.worker.standing_tasks import standing

if TYPE_CHECKING:
    from threading import Event

    from packmule.engine.interface import Handler
    from packmule.settings import Settings
    from packmule.wiring.stores import Stores

_log = logging.getLogger(__name__)


def run_worker(settings: Settings, stop: Event) -> None:
    """Run jobs until `stop` is set and those in work have come to rest."""
    if (proxy := settings.egress_proxy) is not None:
        resolver = "proxy" if proxy.resolves_names else "packmule"
        _log.info("egress proxy in use scheme=%s names_resolved_by=%s", proxy.scheme, resolver)
    with (
        open_stores(settings) as stores,
        open_resources(settings, on_failure=_end_at_once) as resources,
        delivering(settings, stores) as delivery,
        refreshing(settings) as refresh,
    ):
        announce = announcer(settings, stores)
        expiry = Expiry(
            stores.jobs,
            stores.defer_removal,
            lambda: datetime.fromtimestamp(stores.clock(), UTC),
            steady=time.monotonic,
        )
        room = _room(settings, stores, expiry)
        builder = Builder(
            stores.jobs,
            stores.storage,
            resources,
            in_same_transaction=announce.announce,
            with_part=announce.announce_part,
            make_room=no_room if room is None else room.make_for,
            drain=Drain(stop, settings.drain_timeout),
            refresh=refresh,
        )
        duties = {
            BUILD: Duty(builder.build, settings.concurrent_jobs),
            EXPIRE: Duty(_clean_up(settings, stores, expiry, room), 1),
            REMOVE: Duty(Removal(stores.storage).remove, 1),
            WEBHOOK: Duty(delivery.deliver, AT_ONCE),
            JOB_WEBHOOK: Duty(delivery.deliver, AT_ONCE),
            CLEAN: Duty(delivery.clean, 1),
        }
        again_and_again = (Task(EXPIRE, "all"), Task(CLEAN, "messages"))
        with (
            standing(again_and_again, stores.engine, stores.transaction),
            telling(settings, resources) as health,
            sharing_hosts(resources.loop, stores.host_claims),
        ):
            work(stores.engine, duties, health, stop)


def _room(settings: Settings, stores: Stores, expiry: Expiry) -> SpaceReclaimer | None:
    """Return what makes room where archives lie on this machine's disk, and may go for it."""
    if not isinstance(stores.storage, LocalStorage) or settings.expire_when_full != "on":
        return None
    return SpaceReclaimer(stores.jobs, stores.storage, expiry.let_go, settings.min_free_bytes)


def _clean_up(
    settings: Settings, stores: Stores, expiry: Expiry, room: SpaceReclaimer | None
) -> Handler:
    """Join what is done again and again into one task, which comes back when the first is due."""
    handlers: list[Handler] = [expiry.sweep]
    handlers.append(LeftoverSweep(stores.jobs, stores.storage).sweep)
    handlers.append(OrphanSweep(stores.orphans, stores.storage).sweep)
    bounds = RecordBounds(
        stores.jobs, expiry.let_go, keep=settings.keep_records, most_links=settings.keep_links
    )
    handlers.append(bounds.sweep)
    to_do = (stores.jobs_to_do, stores.messages_to_do)
    handlers.append(Reconciler(to_do, stores.engine, stores.transaction).sweep)
    if room is not None:
        handlers.append(room.make)

    def clean_up(key: str, stop: Event) -> Later:
        stores.take_reserve()
        answers = [handler(key, stop) for handler in handlers]
        return Later(min(answer.delay for answer in answers if answer is not None))

    return clean_up


def _end_at_once() -> None:
    """End this process as a kill would: its jobs are taken up by the next one, not failed."""
    os._exit(1)
