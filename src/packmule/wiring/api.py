"""The application as the settings want it.

Owns giving the routes their parts. The database is opened and closed by whoever runs it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from packmule.engine.interface import Task
from packmule.jobs.quota import Quota
from packmule.web.app import create_app
from packmule.web.keys import Keyring, distinct
from packmule.web.limits import RateLimit
from packmule.web.parts import Access, Bounds, Parts
from packmule.web.peers import Peers
from packmule.web.scraping import Metrics
from packmule.wiring.metrics import teller
from packmule.wiring.rules import address_rules
from packmule.wiring.stores import BUILD
from packmule.worker.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from sqlalchemy import Connection

    from packmule.settings import Settings
    from packmule.wiring.stores import Stores

_log = logging.getLogger(__name__)


def make_app(settings: Settings, stores: Stores, *, draining: Callable[[], bool]) -> FastAPI:
    """Join the application over opened stores; `draining` tells that the process is to end."""

    def enqueue(connection: Connection, hash_: str, priority: int) -> None:
        stores.engine.defer(connection, Task(BUILD, hash_, priority))

    worker_age = Heartbeat(settings.data_dir).age
    return create_app(
        Parts(
            store=stores.jobs,
            storage=stores.storage,
            enqueue=enqueue,
            defer_removal=stores.defer_removal,
            rules=address_rules(settings),
            worker_age=worker_age,
            public_url=settings.public_url,
            bounds=Bounds(
                max_urls=settings.max_urls,
                max_url_length=settings.max_url_length,
                max_body_bytes=settings.max_body_bytes,
                body_timeout=settings.body_timeout,
                long_polls=settings.long_polls,
                retention=settings.retention,
            ),
            access=_access(settings),
            draining=draining,
            metrics=Metrics(
                teller(settings, stores, worker_age),
                readers=settings.metrics,
                token=settings.metrics_token,
            ),
            access_log=settings.access_log == "on",
        )
    )


def _access(settings: Settings) -> Access:
    rate = settings.rate_limit
    keys = distinct([*settings.api_keys, *settings.api_keys_file])
    for name in sorted({key.name for key in keys if key.is_short}):
        _log.warning("the key of %s can be guessed; `packmule keys new %s` makes one", name, name)
    return Access(
        keys=Keyring(keys),
        peers=Peers(settings.trusted_proxies),
        creates=None if rate is None else RateLimit(rate),
        quota=Quota(settings.quota_jobs, settings.quota_bytes),
    )
