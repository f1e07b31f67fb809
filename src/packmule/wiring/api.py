"""The application as the settings want it.

Owns giving the routes their parts. The database is opened and closed by whoever runs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.storage.local import LocalStorage
from packmule.web.allowed_hosts import allowed_hosts
from packmule.web.app import create_app
from packmule.web.bounds import RequestBounds
from packmule.web.services import MetricsPage, Services
from packmule.wiring.access import access_rules
from packmule.wiring.metrics import teller
from packmule.wiring.rules import address_rules
from packmule.wiring.webhooks import announcer

if TYPE_CHECKING:
    from fastapi import FastAPI

    from packmule.settings import Settings
    from packmule.web.server import Stopping
    from packmule.wiring.stores import Stores


def make_app(settings: Settings, stores: Stores, stopping: Stopping) -> FastAPI:
    """Join the application over opened stores; `stopping` tells that the process is to end."""
    return create_app(
        Services(
            store=stores.jobs,
            storage=stores.storage,
            enqueue=stores.enqueue,
            defer_removal=stores.defer_removal,
            announce=announcer(settings, stores).announce,
            rules=address_rules(settings),
            worker_age=stores.worker_age,
            public_url=settings.public_url,
            hosts=allowed_hosts(settings.public_url, settings.allow_hosts),
            allow_origins=settings.allow_origins,
            bounds=RequestBounds(
                max_urls=settings.max_urls,
                max_url_length=settings.max_url_length,
                rewrite_links=settings.rewrite_links,
                max_body_bytes=settings.max_body_bytes,
                body_timeout=settings.body_timeout,
                long_polls=settings.long_polls,
                event_streams=settings.event_streams,
                retention=settings.retention,
                job_webhooks=settings.job_webhooks == "on",
            ),
            access=access_rules(settings),
            draining=stopping.draining.is_set,
            leaving=stopping.leaving.is_set,
            metrics=MetricsPage(
                teller(settings, stores, stores.worker_age),
                readers=settings.metrics,
                token=settings.metrics_token,
            ),
            sendfile=settings.sendfile,
            reserve=settings.min_free_bytes if isinstance(stores.storage, LocalStorage) else 0,
            access_log=settings.access_log == "on",
        )
    )
