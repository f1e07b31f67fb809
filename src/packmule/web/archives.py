"""The API of jobs: create, status, files, retry, cancel, delete; events are in `events.py`.

Owns the routes under /api/archive. Leaves what comes in to `intake.py`, what goes out to
`documents.py`, how long a status waits to `waiting.py`, every change to the job store. Whatever
blocks runs in a thread, so that no answer waits for another's disk.
"""

import logging
import re
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from packmule.errors import NotFound
from packmule.jobs.model import FileState, Job
from packmule.telemetry import tracing
from packmule.telemetry.context import about, note
from packmule.telemetry.metrics import JOBS_ACCEPTED
from packmule.web.auth import (
    NEEDS_KEY,
    Caller,
    CallerWithinRate,
    GivenCaller,
    refusals,
    refuse_strangers,
)
from packmule.web.documents import (
    MOST_FAILURES,
    Status,
    file_of,
    has_failures,
    status_of,
)
from packmule.web.intake import job_request, parse
from packmule.web.parts import GivenParts, Parts
from packmule.web.schema import CreatedOut, FilesOut, RetryIn, StatusOut

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/archive", tags=["archives"])

_SMALL_BODY = 64 * 1024
_MOST_FILES = 1000
_HASH = re.compile(r"[0-9a-f]{32}")


def checked_hash(archive_hash: str) -> str:
    """Refuse at once what cannot be a hash. Raises NotFound."""
    if not _HASH.fullmatch(archive_hash):
        raise NotFound("There is no archive of that hash.")
    note(job=archive_hash)
    return archive_hash


Hash = Annotated[str, Path(description="The job's hash, as `create` gave it.")]


def _body(model: str, *, required: bool) -> dict[str, Any]:
    """Describe a body that the route reads by itself."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {
        "requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}
    }


@router.post(
    "/create",
    status_code=202,
    summary="Ask for an archive of a list of links",
    responses=refusals(401, 403, 429),
    openapi_extra=_body("CreateIn", required=True) | NEEDS_KEY,
)
async def create(
    request: Request,
    response: Response,
    parts: GivenParts,
    caller: CallerWithinRate,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="The same key with the same body is one job, however often it is sent, "
            "until that job expires; 1 to 255 visible ASCII characters, of the client's own choice."
        ),
    ] = None,
) -> CreatedOut:
    """Accept a job; `Location` is where its status is.

    Links that cannot be used are refused at once: nothing is created, and each is pointed at.
    """
    # All that were sent, of which FastAPI gives one: two are refused.
    keys = request.headers.getlist("idempotency-key") if idempotency_key is not None else []
    bounds = parts.bounds
    async with parts.bodies.read(request, bounds.max_body_bytes, bounds.body_timeout) as body:
        archive_hash, is_new = await run_in_threadpool(_create, parts, caller, body, keys)
    # Relative, so that it holds behind whatever address or path a proxy puts before it.
    response.headers["Location"] = f"/api/archive/status/{archive_hash}"
    response.headers["Cache-Control"] = "no-store"
    if not is_new:
        response.headers["Idempotent-Replayed"] = "true"
    return CreatedOut(archive_hash=archive_hash)


def _create(parts: Parts, caller: Caller, body: bytes, keys: list[str]) -> tuple[str, bool]:
    """Create a job, or find the one that this idempotency key has made already."""
    asked = job_request(body, keys, parts.rules, parts.bounds)
    made: list[str] = []

    def defer(connection: Connection, hash_: str) -> None:
        made[:] = [hash_]
        parts.enqueue(connection, hash_, asked.priority, asked.client)

    asked = replace(asked, client=caller.client)
    found = parts.store.create(asked, defer=defer, limit=parts.access.quota)
    if made == [found]:
        with about(job=found):
            _log.info("accepted, %d links", len(asked.sources))
        JOBS_ACCEPTED.inc()
        tracing.created(found)
    return found, made == [found]


@router.get("/status/{archive_hash}", response_model=StatusOut, summary="Ask how far a job is")
async def status(
    request: Request,
    response: Response,
    parts: GivenParts,
    archive_hash: Hash,
    wait: Annotated[
        float,
        Query(
            ge=0,
            allow_inf_nan=False,
            description="Seconds to hold the answer while the job is in progress, 60 at most; "
            "not held while as many others wait as the operator allows.",
        ),
    ] = 0,
) -> Status:
    """Say whether the archive is in progress, completed, failed, cancelled or expired.

    With `wait` the answer comes when that changes, or when the seconds are over.
    """
    checked_hash(archive_hash)
    if wait > 0:
        await parts.changes.hold(request, parts, archive_hash, wait)
    response.headers["Cache-Control"] = "no-store"
    return await run_in_threadpool(_status, parts, archive_hash)


def _status(parts: Parts, hash_: str) -> Status:
    return status_document(parts, parts.store.get(hash_))


def status_document(parts: Parts, job: Job) -> Status:
    """Say where a job is, with the files that failed where it has ended."""
    failures = parts.store.failures(job.id, MOST_FAILURES) if has_failures(job) else ()
    return status_of(job, failures, parts.public_url)


@router.get(
    "/files/{archive_hash}",
    summary="List a job's files",
    responses=refusals(401, 403),
    openapi_extra=NEEDS_KEY,
)
async def files(
    *,
    response: Response,
    parts: GivenParts,
    caller: GivenCaller,
    archive_hash: Hash,
    state: Annotated[FileState | None, Query(description="Only files in this state.")] = None,
    cursor: Annotated[
        str | None, Query(description="The cursor of the page before.", pattern=r"^[0-9]{1,18}$")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_FILES, description="Files in a page.")] = 100,
) -> FilesOut:
    """List the files in the order of the links; an expired job has none any more."""
    await run_in_threadpool(refuse_strangers, parts, caller, checked_hash(archive_hash))
    page = await run_in_threadpool(
        partial(
            parts.store.files,
            archive_hash,
            state=state,
            cursor=None if cursor is None else int(cursor),
            limit=limit,
        )
    )
    response.headers["Cache-Control"] = "no-store"
    return FilesOut(
        files=[file_of(record) for record in page.files],
        cursor=None if page.cursor is None else str(page.cursor),
    )


@router.post(
    "/retry/{archive_hash}",
    status_code=202,
    response_model=StatusOut,
    summary="Try a failed job again",
    responses=refusals(401, 403, 429),
    openapi_extra=_body("RetryIn", required=False) | NEEDS_KEY,
)
async def retry(
    request: Request,
    response: Response,
    parts: GivenParts,
    caller: CallerWithinRate,
    archive_hash: Hash,
) -> Status:
    """Queue a failed job again; what it has is kept, only what failed is fetched."""
    checked_hash(archive_hash)
    async with parts.bodies.read(request, _SMALL_BODY, parts.bounds.body_timeout) as body:
        asked = parse(body, RetryIn) if body.strip() else RetryIn()
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = f"/api/archive/status/{archive_hash}"
    return await run_in_threadpool(_retry, parts, caller, archive_hash, asked)


def _retry(parts: Parts, caller: Caller, hash_: str, asked: RetryIn) -> Status:
    refuse_strangers(parts, caller, hash_)
    known = parts.store.get(hash_)
    job = parts.store.retry(
        hash_,
        asked.on_error,
        defer=lambda connection, queued: parts.enqueue(
            connection, queued, known.priority, known.client
        ),
        limit=parts.access.quota,
    )
    _log.info("queued again")
    return status_of(job, (), parts.public_url)


@router.post(
    "/cancel/{archive_hash}",
    response_model=StatusOut,
    summary="Cancel a job in progress",
    responses=refusals(401, 403),
    openapi_extra=NEEDS_KEY,
)
async def cancel(
    response: Response, parts: GivenParts, caller: GivenCaller, archive_hash: Hash
) -> Status:
    """Cancel a job that is in progress; once cancelled, again changes nothing."""
    response.headers["Cache-Control"] = "no-store"
    return await run_in_threadpool(_cancel, parts, caller, checked_hash(archive_hash))


def _cancel(parts: Parts, caller: Caller, hash_: str) -> Status:
    refuse_strangers(parts, caller, hash_)
    job = parts.store.cancel(hash_, also=parts.announce)
    _log.info("cancelled")
    # A cancelled job is never taken up again. A run that has not heard of it yet writes on, for a
    # moment, to a file that nobody sees.
    parts.storage.discard(hash_)
    return status_of(job, (), parts.public_url)


@router.delete(
    "/{archive_hash}",
    status_code=204,
    summary="Remove an archive",
    responses=refusals(401, 403),
    openapi_extra=NEEDS_KEY,
)
async def delete(parts: GivenParts, caller: GivenCaller, archive_hash: Hash) -> None:
    """Cancel the job where it is in progress, and remove its archive."""
    await run_in_threadpool(_delete, parts, caller, checked_hash(archive_hash))


def _delete(parts: Parts, caller: Caller, hash_: str) -> None:
    refuse_strangers(parts, caller, hash_)

    def also(connection: Connection, job: Job) -> None:
        parts.defer_removal(connection, job)
        parts.announce(connection, job)

    parts.store.delete(hash_, also=also)
    _log.info("deleted")
    # At once; should that fail, the task does it later.
    parts.storage.remove(hash_)
