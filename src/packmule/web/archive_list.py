"""A client's own archives: the route /api/archive/list.

Owns the route. Leaves the order and the cursor to the job store, documents to `documents.py`, and
who a client is to `auth.py`: only an API key says whose archives are whose.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from packmule.jobs.model import JobState
from packmule.web.auth import SCHEME, GivenCaller, refusals
from packmule.web.bodies import unread
from packmule.web.documents import STATES, archive_of
from packmule.web.problems import Problem, ProblemCode
from packmule.web.schema import ArchivesOut, StatusWord
from packmule.web.services import GivenServices

router = APIRouter(prefix="/api/archive", tags=["archives"])

_MOST_ARCHIVES = 1000

_REFUSALS: Final[dict[int | str, dict[str, Any]]] = refusals(401, 403)
_REFUSALS[403]["description"] = (
    "The server has no API keys, so it does not know whose archives are whose (`forbidden`), or "
    "the request comes from another site's page (`cross-origin`)."
)


@router.head("/list", include_in_schema=False)
@router.get(
    "/list",
    summary="List your archives",
    responses=_REFUSALS,
    openapi_extra={"security": [{SCHEME: []}]},
)
async def list_archives(
    *,
    request: Request,
    response: Response,
    services: GivenServices,
    caller: GivenCaller,
    state: Annotated[
        StatusWord | None, Query(description="Return only archives with this status.")
    ] = None,
    cursor: Annotated[
        str | None, Query(description="`next` of the previous page.", pattern=r"^[0-9]{1,18}$")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_ARCHIVES, description="Archives per page.")] = 100,
) -> ArchivesOut:
    """Return the archives that were created with your API key, the newest first.

    Keys of one name are one client. Records of ended jobs are deleted after a while (by default 90
    days), and then are no longer listed.
    """
    if not caller.has_key:
        raise Problem(
            403,
            ProblemCode.FORBIDDEN,
            "This server has no API keys, so it does not know which archives are yours.",
            headers=unread(request),
        )
    now = datetime.now(UTC)
    page = await run_in_threadpool(
        partial(
            services.store.of_client,
            caller.client,
            now=now.timestamp(),
            states=frozenset(JobState) if state is None else STATES[state],
            before=None if cursor is None else int(cursor),
            limit=limit,
        )
    )
    response.headers["Cache-Control"] = "no-store"
    return ArchivesOut(
        archives=[archive_of(job, services.public_url, now) for job in page.jobs],
        next=None if page.cursor is None else str(page.cursor),
    )
