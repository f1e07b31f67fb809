"""Is the process alive, and can it do its work: /healthz and /readyz.

Owns what readiness means: the database answers, storage can be written, a worker is alive.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from packmule.errors import NotFound, PackmuleError
from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from packmule.web.parts import Parts

_log = logging.getLogger(__name__)

# A worker tells that it is alive every two seconds.
WORKER_SILENCE = 10.0
_NO_JOB = "0" * 32


async def healthz(_request: Request) -> Response:
    """Say that the process answers."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def readyz(request: Request) -> Response:
    """Say whether jobs can be accepted and will be run. 503 names what is not ready."""
    parts = cast("Parts", request.app.state.parts)
    checks = await run_in_threadpool(_checks, parts)
    if all(word == "ok" for word in checks.values()):
        return JSONResponse(
            {"status": "ready", "checks": checks}, headers={"Cache-Control": "no-store"}
        )
    faulty = ", ".join(name for name, word in checks.items() if word != "ok")
    raise Problem(503, ProblemCode.NOT_READY, f"Not ready: {faulty}.", checks=checks)


def _checks(parts: Parts) -> dict[str, str]:
    return {
        "database": _database(parts),
        "storage": _storage(parts),
        "worker": _worker(parts.worker_age()),
    }


def _database(parts: Parts) -> str:
    try:
        parts.store.find_version(_NO_JOB)
    except NotFound:
        return "ok"
    except PackmuleError as error:
        _log.warning("not ready: %s", error)
        return str(error)
    return "ok"


def _storage(parts: Parts) -> str:
    try:
        parts.storage.check()
    except PackmuleError as error:
        _log.warning("not ready: %s", error)
        return str(error)
    return "ok"


def _worker(age: float | None) -> str:
    if age is None:
        return "no worker has been seen yet"
    if age > WORKER_SILENCE:
        return f"the last sign of a worker is {age:.0f} seconds old"
    return "ok"


routes = [
    Route("/healthz", healthz, methods=["GET", "HEAD"]),
    Route("/readyz", readyz, methods=["GET", "HEAD"]),
]
