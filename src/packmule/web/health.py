"""Health checks: /healthz (the process responds) and /readyz (it can do its work).

An API is ready if it can accept jobs and serve: its database can be written, and so can a data
directory that holds the archives. A worker or an object store that is away is reported beside that,
and has a metric and an alert of its own: to take the API out of rotation would help neither, since
jobs wait for both and a status can still be asked for. So is a disk with so little room that no job
begins to write: what is on it can still be downloaded. On its way to the end an API is not ready.

However many clients ask, one check runs at a time and its result holds for a second, so probing
costs no more than that. A check that hangs, on a dead disk for example, is not waited for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from packmule.errors import PackmuleError, StorageAway
from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """Respond whether jobs can be accepted and results served. A 503 names what is not ready."""
    services = cast("Services", request.app.state.services)
    if services.leaving():
        raise Problem(503, ProblemCode.NOT_READY, "Not ready: this process is about to end.")
    found = await _looks.take(services)
    checks = {name: check.word for name, check in found.items()}
    faulty = ", ".join(name for name, check in found.items() if check.is_fatal)
    if not faulty:
        return JSONResponse(
            {"status": "ready", "checks": checks}, headers={"Cache-Control": "no-store"}
        )
    raise Problem(503, ProblemCode.NOT_READY, f"Not ready: {faulty}.", checks=checks)


class Check(NamedTuple):
    """What a look at one part has shown; `is_fatal`: the API cannot do its work without it."""

    word: str = "ok"
    is_fatal: bool = False


Checks = Mapping[str, Check]


class ReadinessCheck:
    """The readiness check: one at a time, its result shared."""

    def __init__(self) -> None:
        self._until = float("-inf")
        self._looking: tuple[Services, asyncio.Future[Checks]] | None = None

    async def take(self, services: Services) -> Checks:
        """Return the result of a check, or of one within the last second."""
        looking = self._looking
        if looking is None or looking[0] is not services or self._is_over(looking[1]):
            task = asyncio.ensure_future(run_in_threadpool(_checks, services))
            looking = self._looking = (services, task)
            task.add_done_callback(self._note)
        if not looking[1].done():
            await asyncio.wait([looking[1]], timeout=LONGEST_LOOK)
        if not looking[1].done():
            silent = Check(f"no answer within {LONGEST_LOOK:.0f} seconds", is_fatal=True)
            return dict.fromkeys(_PARTS, silent)
        return looking[1].result()

    def _note(self, _look: asyncio.Future[Checks]) -> None:
        self._until = time.monotonic() + FRESH_SECONDS

    def _is_over(self, look: asyncio.Future[Checks]) -> bool:
        """Return whether a check has ended too long ago to be used."""
        return look.done() and time.monotonic() >= self._until


_looks = ReadinessCheck()


def _checks(services: Services) -> Checks:
    return {
        "database": _look(services.store.check),
        "storage": _storage(services),
        "worker": _worker(services),
    }


def _look(check: Callable[[], None]) -> Check:
    try:
        check()
    except StorageAway as error:
        _log.warning("storage away reason=%s", error)
        return Check(str(error))
    except PackmuleError as error:
        _log.warning("not ready: %s", error)
        return Check(str(error), is_fatal=True)
    return Check()


def _storage(services: Services) -> Check:
    free = services.reserve

    def check() -> None:
        nonlocal free
        services.storage.check()
        if services.reserve:
            free = services.storage.free_bytes()

    found = _look(check)
    if free >= services.reserve:
        return found
    return Check(
        f"{free:,} bytes are free, fewer than PACKMULE_MIN_FREE_BYTES ({services.reserve:,}): "
        "jobs fail as disk-full"
    )


def _worker(services: Services) -> Check:
    try:
        age = services.worker_age()
    except PackmuleError as error:
        return Check(str(error))
    if age is None:
        return Check("no worker has been seen yet")
    if age > WORKER_SILENCE:
        return Check(f"the last sign of a worker is {age:.0f} seconds old")
    return Check()


routes = [
    Route("/healthz", healthz, methods=["GET", "HEAD"]),
    Route("/readyz", readyz, methods=["GET", "HEAD"]),
]
