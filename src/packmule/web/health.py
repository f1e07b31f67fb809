"""Health checks: /healthz (the process responds) and /readyz (it can do its work).

Ready means that the database and storage can be written and a worker is alive. However many clients
ask, one check runs at a time and its result holds for a second, so probing costs no more than that.
A check that hangs, on a dead disk for example, is not waited for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, cast

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from packmule.errors import PackmuleError
from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from packmule.web.services import Services

_log = logging.getLogger(__name__)

# A worker records a heartbeat every two seconds.
WORKER_SILENCE = 10.0
FRESH_SECONDS = 1.0
LONGEST_LOOK = 8.0
_PARTS = ("database", "storage", "worker")


async def healthz(_request: Request) -> Response:
    """Respond that the process is alive."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def readyz(request: Request) -> Response:
    """Respond whether jobs can be accepted and will run. A 503 names what is not ready."""
    services = cast("Services", request.app.state.services)
    checks = await _looks.take(services)
    if all(word == "ok" for word in checks.values()):
        return JSONResponse(
            {"status": "ready", "checks": checks}, headers={"Cache-Control": "no-store"}
        )
    faulty = ", ".join(name for name, word in checks.items() if word != "ok")
    raise Problem(503, ProblemCode.NOT_READY, f"Not ready: {faulty}.", checks=checks)


class ReadinessCheck:
    """The readiness check: one at a time, its result shared."""

    def __init__(self) -> None:
        self._until = float("-inf")
        self._looking: tuple[Services, asyncio.Future[dict[str, str]]] | None = None

    async def take(self, services: Services) -> dict[str, str]:
        """Return the result of a check, or of one within the last second."""
        looking = self._looking
        if looking is None or looking[0] is not services or self._is_over(looking[1]):
            task = asyncio.ensure_future(run_in_threadpool(_checks, services))
            looking = self._looking = (services, task)
            task.add_done_callback(self._note)
        if not looking[1].done():
            await asyncio.wait([looking[1]], timeout=LONGEST_LOOK)
        if not looking[1].done():
            return dict.fromkeys(_PARTS, f"no answer within {LONGEST_LOOK:.0f} seconds")
        return looking[1].result()

    def _note(self, _look: asyncio.Future[dict[str, str]]) -> None:
        self._until = time.monotonic() + FRESH_SECONDS

    def _is_over(self, look: asyncio.Future[dict[str, str]]) -> bool:
        """Return whether a check has ended too long ago to be used."""
        return look.done() and time.monotonic() >= self._until


_looks = ReadinessCheck()


def _checks(services: Services) -> dict[str, str]:
    return {
        "database": _database(services),
        "storage": _storage(services),
        "worker": _worker(services),
    }


def _database(services: Services) -> str:
    try:
        services.store.check()
    except PackmuleError as error:
        _log.warning("not ready: %s", error)
        return str(error)
    return "ok"


def _storage(services: Services) -> str:
    try:
        services.storage.check()
    except PackmuleError as error:
        _log.warning("not ready: %s", error)
        return str(error)
    return "ok"


def _worker(services: Services) -> str:
    try:
        age = services.worker_age()
    except PackmuleError as error:
        return str(error)
    if age is None:
        return "no worker has been seen yet"
    if age > WORKER_SILENCE:
        return f"the last sign of a worker is {age:.0f} seconds old"
    return "ok"


routes = [
    Route("/healthz", healthz, methods=["GET", "HEAD"]),
    Route("/readyz", readyz, methods=["GET", "HEAD"]),
]
