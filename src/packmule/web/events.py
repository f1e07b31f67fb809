"""The event stream of a job: its progress as it changes, then its end. It can be resumed.

Owns the route /api/archive/events, the stream and its limits. Leaves waiting for changes to
`job_changes.py` and the content of events to `event_feed.py`. Each job event carries the whole
status and each file event the whole file, so the next one makes up for any that was missed: a slow
reader gets fewer events, and nothing is queued for it. A reader that sends the ID of the last event
it received continues from there.

Follows the HTML Standard, 9.2 (server-sent events).
"""

import logging
from time import monotonic
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from packmule.errors import PackmuleError
from packmule.web.auth import NEEDS_KEY, caller_of, refusals, refuse_strangers
from packmule.web.documents import OPEN_STATES, state_now
from packmule.web.event_feed import (
    DESCRIBED,
    EventId,
    StatusEvent,
    latest_status,
    next_files,
    parse_event_id,
)
from packmule.web.job_changes import WatchedJob
from packmule.web.job_routes import Hash, checked_hash
from packmule.web.problems import Problem, ProblemCode
from packmule.web.services import GivenServices, Services

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/archive", tags=["archives"])

MEDIA_TYPE = "text/event-stream"

# Proxies commonly cut what is silent for 60 s, and a reader that takes nothing so long has gone.
_KEEP_ALIVE = 15.0
_LONGEST_SEND = 60.0
_RETRY_MS = 2000
_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MEDIA_TYPE: {"schema": DESCRIBED}},
        "description": "`progress` events, then one of `completed`, `failed`, `cancelled` and "
        "`expired`; the data of each is the status document. With `files`, before each of them the "
        "files that have changed, in `files` events of a hundred at most.",
    },
    204: {"description": "The job has ended, and `Last-Event-ID` says that this was told."},
}


@router.get(
    "/events/{archive_hash}",
    response_class=Response,
    responses=_DOCUMENTED | refusals(401, 403),
    openapi_extra=NEEDS_KEY,
    summary="Follow a job",
)
async def events(
    *,
    request: Request,
    services: GivenServices,
    archive_hash: Hash,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was told.")
    ] = None,
    files: Annotated[
        bool,
        Query(
            description="Tell of each file that changes, too: a key is needed, as for the list of "
            "files. Without `Last-Event-ID` of every file that has changed already."
        ),
    ] = False,
) -> Response:
    """Send an event at each change of the job, until it has ended.

    A stream that is cut is gone on with where `Last-Event-ID` is sent, as browsers do. The hash
    alone opens it, except with `files`.
    """
    hash_ = checked_hash(archive_hash)
    if files:
        caller = await caller_of(request, services)
        await run_in_threadpool(refuse_strangers, services, caller, hash_)
    job = await run_in_threadpool(services.store.get, hash_)
    told = parse_event_id(last_event_id, job.version)
    if told == EventId(job.version) and state_now(job) not in OPEN_STATES:
        # The one answer after which a browser does not ask again.
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    if services.changes.streams >= services.bounds.event_streams or services.draining():
        raise Problem(
            503,
            ProblemCode.OVERLOADED,
            "No more streams of events can be had now; ask for the status, with `wait`.",
            headers={"Retry-After": "5"},
        )
    return EventStream(services, hash_, told, with_files=files)


class EventStream(Response):
    """200: the events of a job behind `told`, those of its files among them where wanted."""

    def __init__(self, services: Services, hash_: str, told: EventId, *, with_files: bool) -> None:
        super().__init__(
            None, 200, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, MEDIA_TYPE
        )
        del self.headers["content-length"]
        self._services = services
        self._hash = hash_
        self._told = told
        self._with_files = with_files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the job, the reader or this process comes to its end."""
        del scope
        changes = self._services.changes
        changes.streams += 1
        try:
            async with anyio.create_task_group() as tasks:

                async def until_gone() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    tasks.cancel_scope.cancel()

                tasks.start_soon(until_gone)
                await send(
                    {
                        "type": "http.response.start",
                        "status": self.status_code,
                        "headers": self.raw_headers,
                    }
                )
                if await self._follow(send):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                tasks.cancel_scope.cancel()
        finally:
            changes.streams -= 1

    async def _follow(self, send: Send) -> bool:
        """Send events until the end; False where the reader takes nothing any more."""
        if not await _sent(send, b"retry: %d\n\n" % _RETRY_MS):
            return False
        with self._services.changes.watched(self._services, self._hash) as job:
            while not self._services.draining():
                try:
                    status = await latest_status(self._services, self._hash, job)
                    if not await self._tell(job, status, send):
                        return False
                except PackmuleError as error:
                    # Whoever comes again is told what it is, by an answer of its own.
                    _log.debug("the events cannot be told: %s", error)
                    return True
                if status.is_end and self._told.covers(status.version):
                    return True
                if not await self._until_news(job, send):
                    return False
        return True

    async def _tell(self, job: WatchedJob, status: StatusEvent, send: Send) -> bool:
        """Send what is new up to a status, at last that; False as `_sent`."""
        if self._told.covers(status.version):
            return True
        has_more = self._with_files
        while has_more:
            if self._services.draining():
                return True
            page = await next_files(self._services, job, status, self._told)
            if page.text and not await _sent(send, page.text):
                return False
            self._told, has_more = page.then, page.has_more
        if not await _sent(send, status.text):
            return False
        self._told = EventId(status.version)
        return True

    async def _until_news(self, job: WatchedJob, send: Send) -> bool:
        """Wait for a change, saying now and then that one waits; False as `_sent`."""
        silent_since = monotonic()
        while not self._services.draining() and (
            job.seen is None or self._told.covers(job.seen[1])
        ):
            left = silent_since + _KEEP_ALIVE - monotonic()
            if left <= 0:
                if not await _sent(send, b": nothing new\n\n"):
                    return False
                silent_since = monotonic()
                continue
            await job.news(left)
        return True


async def _sent(send: Send, body: bytes) -> bool:
    """Send a piece; False where the reader did not take it in time."""
    with anyio.move_on_after(_LONGEST_SEND):
        await send({"type": "http.response.body", "body": body, "more_body": True})
        return True
    return False
