"""Creating a job, for the API and for the form: first who asks, then what for.

Owns the order of the checks: identity, rate and quota, and only then the body. Leaves each check to
`auth.py`, `intake.py` and the job store.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from packmule.telemetry import tracing
from packmule.telemetry.context import about
from packmule.telemetry.metrics import JOBS_ACCEPTED
from packmule.web.auth import Caller, count_request, identify
from packmule.web.documents import link_warnings
from packmule.web.intake import job_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection
    from starlette.requests import Request

    from packmule.web.json_scan import Body
    from packmule.web.schema import LinkWarningOut
    from packmule.web.services import Services

_log = logging.getLogger(__name__)


async def admit(
    request: Request, services: Services, caller: Caller, idempotency_keys: Sequence[str] = ()
) -> None:
    """Refuse a client that may not create a job now, before its body is read.

    Raises Problem 429, QuotaExceeded. The quota is checked again when the job is created.
    """
    count_request(request, services.access, caller)
    key = idempotency_keys[0] if idempotency_keys else None
    quota = services.access.quota
    if quota:
        await run_in_threadpool(services.store.check_quota, caller.client, key, quota)


async def admit_key(request: Request, services: Services, key: str | None) -> Caller:
    """Identify the client of a form by its key, and admit it. Raises as `identify` and `admit`."""
    caller = identify(request, services.access, key)
    await admit(request, services, caller)
    return caller


def create_job(
    services: Services, caller: Caller, body: Body, idempotency_keys: Sequence[str] = ()
) -> tuple[str, bool, list[LinkWarningOut]]:
    """Return the hash of a new job, or of the one that this idempotency key created earlier.

    Then whether it is new, and warnings about links. Raises Problem, Conflict, QuotaExceeded.
    Empties `body`.
    """
    asked = job_request(body, idempotency_keys, services.rules, services.bounds)
    made: list[str] = []

    def defer(connection: Connection, hash_: str) -> None:
        made[:] = [hash_]
        services.enqueue(connection, hash_, asked.priority, asked.client)

    asked = replace(asked, client=caller.client)
    found = services.store.create(asked, defer=defer, limit=services.access.quota)
    is_new = made == [found]
    if is_new:
        with about(job=found):
            _log.info("job accepted files=%d", len(asked.sources))
        JOBS_ACCEPTED.inc()
        tracing.created(found)
    rules = services.bounds.rewrite_links
    return found, is_new, link_warnings(asked.sources, rules, time.time())
