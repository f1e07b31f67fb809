"""The API for jobs: create, status, files, retry, finish, cancel and delete.

Owns these routes under /api/archive; event streams are in `events.py`. Leaves validation to
`intake.py`, response documents to `documents.py`, long polling to `job_changes.py`, and every
change of a job to the job store. Whatever blocks runs in a thread, so that no response waits for
another's disk.
"""

import logging
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from packmule.errors import NotFailedFiles, StorageFailed
from packmule.jobs.model import FileState, Job, OnError, Renewal
from packmule.web.auth import (
    NEEDS_KEY,
    Caller,
    CallerWithinRate,
    GivenCaller,
    address_of,
    is_owner,
    refusals,
    refuse_strangers,
)
from packmule.web.creation import admit, create_job
from packmule.web.documents import (
    Status,
    file_of,
    status_document,
    status_of,
    status_path,
    waiting_files,
)
from packmule.web.intake import refuse_positions, retry_request
from packmule.web.job_hash import Hash
from packmule.web.schema import CreatedOut, FilesOut, StatusOut
from packmule.web.services import GivenServices, Services

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/archive", tags=["archives"])

# Room for some ten thousand links; it becomes about ten times as much in memory.
_RETRY_BODY = 4 * 1024 * 1024
_MOST_FILES = 1000


def _body(model: str, *, required: bool) -> dict[str, Any]:
    """Describe a body that the route reads itself."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {
        "requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}
    }


@router.post(
    "/create",
    status_code=202,
    summary="Create an archive",
    responses=refusals(401, 403, 429),
    openapi_extra=_body("CreateIn", required=True) | NEEDS_KEY,
)
async def create(
    request: Request,
    response: Response,
    services: GivenServices,
    caller: GivenCaller,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Requests with the same key and body create one job, until that job "
            "expires. "
            "Chosen by the client: 1 to 255 visible ASCII characters."
        ),
    ] = None,
) -> CreatedOut:
    """Create a job. `Location` is the URL of its status.

    If any link is invalid, no job is created and the error lists each invalid link.
    """
    # All that were sent, of which FastAPI gives one: two are refused.
    keys = request.headers.getlist("idempotency-key") if idempotency_key is not None else []
    await admit(request, services, caller, keys)
    bounds = services.bounds
    async with services.bodies.read(request, bounds.max_body_bytes, bounds.body_timeout) as body:
        archive_hash, is_new, warnings = await services.bodies.process(
            body, partial(create_job, services, caller, body, keys)
        )
    response.headers["Location"] = status_path(services.public_url, archive_hash)
    response.headers["Cache-Control"] = "no-store"
    if not is_new:
        response.headers["Idempotent-Replayed"] = "true"
    return CreatedOut(archive_hash=archive_hash, warnings=warnings)


@router.head("/status/{archive_hash}", include_in_schema=False)
@router.get(
    "/status/{archive_hash}",
    response_model=StatusOut,
    summary="Get a job's status",
    responses=refusals(429),
)
async def status(
    request: Request,
    response: Response,
    services: GivenServices,
    archive_hash: Hash,
    wait: Annotated[
        float,
        Query(
            ge=0,
            allow_inf_nan=False,
            description="Long polling: hold the response until the job ends, for at most this many "
            "seconds (maximum 60). If too many requests are waiting, the response comes at once.",
        ),
    ] = 0,
) -> Status:
    """Return whether the job is in progress, completed, failed, cancelled or expired.

    With `wait`, respond when the job ends or the time is over. Needs no API key; with that of the
    job's owner, the URLs of failed files are whole.
    """
    if wait > 0:
        client = address_of(request, services.access)
        services.poll_shares.check(client, services.bounds.long_polls)
        with services.poll_shares.one(client):
            await services.changes.hold(request, services, archive_hash, wait)
    response.headers["Cache-Control"] = "no-store"
    return await run_in_threadpool(_status, request, services, archive_hash)


def _status(request: Request, services: Services, hash_: str) -> Status:
    job = services.store.get(hash_)
    whole_urls = is_owner(request, services, job)
    return status_document(services.store, job, services.public_url, whole_urls=whole_urls)


@router.head("/files/{archive_hash}", include_in_schema=False)
@router.get(
    "/files/{archive_hash}",
    summary="List a job's files",
    responses=refusals(401, 403),
    openapi_extra=NEEDS_KEY,
)
async def files(
    *,
    response: Response,
    services: GivenServices,
    caller: GivenCaller,
    archive_hash: Hash,
    state: Annotated[
        FileState | None, Query(description="Return only files in this state.")
    ] = None,
    cursor: Annotated[
        str | None, Query(description="The cursor of the previous page.", pattern=r"^[0-9]{1,18}$")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_FILES, description="Files per page.")] = 100,
) -> FilesOut:
    """Return the files in the order of the links. An expired job has none."""
    is_owners = await run_in_threadpool(refuse_strangers, services, caller, archive_hash)
    page = await run_in_threadpool(
        partial(
            services.store.files,
            archive_hash,
            state=state,
            cursor=None if cursor is None else int(cursor),
            limit=limit,
        )
    )
    response.headers["Cache-Control"] = "no-store"
    job = await run_in_threadpool(services.store.get, archive_hash)
    waiting = waiting_files(job)
    return FilesOut(
        files=[
            file_of(record, waiting.get(record.position), whole_urls=is_owners)
            for record in page.files
        ],
        cursor=None if page.cursor is None else str(page.cursor),
    )


@router.post(
    "/retry/{archive_hash}",
    status_code=202,
    response_model=StatusOut,
    summary="Retry a failed job",
    responses=refusals(401, 403, 429),
    openapi_extra=_body("RetryIn", required=False) | NEEDS_KEY,
)
async def retry(
    request: Request,
    response: Response,
    services: GivenServices,
    caller: CallerWithinRate,
    archive_hash: Hash,
) -> Status:
    """Queue a failed job again. It keeps the files it has and fetches only those that failed.

    `positions` chooses some of them, and `urls` gives some new links, for instance where a link has
    expired. A new link is checked as in `create`. What is wrong in `urls` is named by its pointer,
    such as `/urls/3`; then nothing is queued.
    """
    await run_in_threadpool(refuse_strangers, services, caller, archive_hash)
    bounds = services.bounds
    most = min(_RETRY_BODY, bounds.max_body_bytes)
    async with services.bodies.read(request, most, bounds.body_timeout) as body:
        on_error, renewal = await services.bodies.process(
            body, partial(retry_request, body, services.rules, bounds)
        )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = status_path(services.public_url, archive_hash)
    return await run_in_threadpool(_retry, services, archive_hash, on_error, renewal)


def _retry(services: Services, hash_: str, on_error: OnError | None, renewal: Renewal) -> Status:
    try:
        job = services.commands.retry(hash_, on_error, services.access.quota, renewal)
    except NotFailedFiles as error:
        raise refuse_positions(renewal, error.positions) from error
    _log.info("job retried")
    return status_document(services.store, job, services.public_url)


@router.post(
    "/finish/{archive_hash}",
    status_code=202,
    response_model=StatusOut,
    summary="Finish without the rest",
    responses=refusals(401, 403, 429),
    openapi_extra=NEEDS_KEY,
)
async def finish(
    response: Response, services: GivenServices, caller: CallerWithinRate, archive_hash: Hash
) -> Status:
    """Complete a job that is in progress or failed now, with the files that are packed.

    Nothing more is fetched, and `missing` lists the files that were left out. If no file is packed,
    the error is `wrong-state`. Finishing again changes nothing.
    """
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = status_path(services.public_url, archive_hash)
    return await run_in_threadpool(_finish, services, caller, archive_hash)


def _finish(services: Services, caller: Caller, hash_: str) -> Status:
    is_owners = refuse_strangers(services, caller, hash_)
    job = services.commands.finish(hash_)
    _log.info("job to be finished")
    return status_document(services.store, job, services.public_url, whole_urls=is_owners)


@router.post(
    "/cancel/{archive_hash}",
    response_model=StatusOut,
    summary="Cancel a job",
    responses=refusals(401, 403),
    openapi_extra=NEEDS_KEY,
)
async def cancel(
    response: Response, services: GivenServices, caller: GivenCaller, archive_hash: Hash
) -> Status:
    """Cancel a job that is in progress. Cancelling it again changes nothing."""
    response.headers["Cache-Control"] = "no-store"
    return await run_in_threadpool(_cancel, services, caller, archive_hash)


def _cancel(services: Services, caller: Caller, hash_: str) -> Status:
    refuse_strangers(services, caller, hash_)
    job = services.commands.cancel(hash_)
    _log.info("job cancelled")
    return status_of(job, (), services.public_url)


@router.delete(
    "/{archive_hash}",
    status_code=204,
    summary="Delete an archive",
    responses=refusals(401, 403),
    openapi_extra=NEEDS_KEY,
)
async def delete(services: GivenServices, caller: GivenCaller, archive_hash: Hash) -> None:
    """Cancel the job if it is in progress, and delete its archive."""
    await run_in_threadpool(_delete, services, caller, archive_hash)


def _delete(services: Services, caller: Caller, hash_: str) -> None:
    refuse_strangers(services, caller, hash_)

    def in_same_transaction(connection: Connection, job: Job) -> None:
        services.defer_removal(connection, job)
        services.announce(connection, job)

    services.store.delete(hash_, in_same_transaction=in_same_transaction)
    _log.info("job deleted")
    try:
        services.storage.remove(hash_)
    except StorageFailed as error:
        # The job is deleted all the same; its removal task tries again.
        _log.warning("deleted job's bytes not removed reason=%s", error)
