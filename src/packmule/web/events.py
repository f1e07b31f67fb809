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
from packmule.web.auth import (
    NEEDS_KEY,
    address_of,
    caller_of,
    is_owner,
    refusals,
    refuse_strangers,
)
from packmule.web.documents import OPEN_STATES, state_now
from packmule.web.event_feed import DESCRIBED, latest_status, next_files
from packmule.web.event_values import EventId, StatusEvent, parse_event_id
from packmule.web.job_changes import WatchedJob
from packmule.web.job_hash import Hash
from packmule.web.problems import Problem, ProblemCode
from packmule.web.services import GivenServices, Services

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/archive", tags=["archives"])

MEDIA_TYPE = "text/event-stream"

# Proxies commonly cut a connection after 60 silent seconds, and a reader that takes nothing for so
# long has gone.
_KEEP_ALIVE = 15.0
_LONGEST_SEND = 60.0
_RETRY_MS = 2000
_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MEDIA_TYPE: {"schema": DESCRIBED}},
        "description": "`progress` events, then one of `completed`, `failed`, `cancelled` or "
        "`expired`; the data of each is the status document. If the archive is split, each part is "
        "announced by a `part-completed` event, without an ID, as soon as it can be downloaded. "
        "With `files`, each is preceded by `files` events with the files that have changed, up to "
        "100 per event.",
    },
    204: {"description": "The job has ended, and `Last-Event-ID` is that of its last event."},
}


@router.head("/events/{archive_hash}", include_in_schema=False)
@router.get(
    "/events/{archive_hash}",
    response_class=Response,
    responses=_DOCUMENTED | refusals(401, 403, 429),
    openapi_extra=NEEDS_KEY,
    summary="Stream a job's events",
)
async def events(
    *,
    request: Request,
    services: GivenServices,
    archive_hash: Hash,
    last_event_id: Annotated[
        str | None, Header(description="The ID of the last event received.")
    ] = None,
    files: Annotated[
        bool,
        Query(
            description="Also send each file that changes; requires an API key, as the list of "
            "files does. "
            "Without `Last-Event-ID`, starts with every file that has changed so far."
        ),
    ] = False,
) -> Response:
    """Send an event at each change of the job until it ends (server-sent events).

    To resume after a lost connection, send `Last-Event-ID`, as browsers do. Needs no API key,
    except with `files`.
    """
    if files:
        caller = await caller_of(request, services)
        await run_in_threadpool(refuse_strangers, services, caller, archive_hash)
    job = await run_in_threadpool(services.store.get, archive_hash)
    told = parse_event_id(last_event_id, job.version)
    if told == EventId(job.version) and state_now(job) not in OPEN_STATES:
        # The one answer after which a browser does not ask again.
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    if services.changes.streams >= services.bounds.event_streams or services.draining():
        raise Problem(
            503,
            ProblemCode.OVERLOADED,
            "Too many event streams are open; ask for the status, with `wait`.",
            headers={"Retry-After": "5"},
        )
    client = address_of(request, services.access)
    services.stream_shares.check(client, services.bounds.event_streams)
    whole_urls = is_owner(request, services, job)
    return EventStream(
        services, client, archive_hash, told, with_files=files, whole_urls=whole_urls
    )


class EventStream(Response):
    """200: the events of a job after `told`, with those of its files if wanted."""

    def __init__(
        self,
        services: Services,
        client: str,
        hash_: str,
        told: EventId,
        *,
        with_files: bool,
        whole_urls: bool,
    ) -> None:
        super().__init__(
            None, 200, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, MEDIA_TYPE
        )
        del self.headers["content-length"]
        self._services = services
        self._client = client
        self._hash = hash_
        self._told = told
        self._with_files = with_files
        self._whole_urls = whole_urls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the job ends, the reader goes, or the process is about to stop."""
        if scope["method"] == "HEAD":
            await self._start(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        changes = self._services.changes
        changes.streams += 1
        try:
            with self._services.stream_shares.one(self._client):
                await self._stream(receive, send)
        finally:
            changes.streams -= 1

    async def _start(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )

    async def _stream(self, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:

            async def until_gone() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(until_gone)
            await self._start(send)
            if await self._follow(send):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            tasks.cancel_scope.cancel()

    async def _follow(self, send: Send) -> bool:
        """Send events until the end; return False if the reader no longer takes any."""
        if not await _sent(send, b"retry: %d\n\n" % _RETRY_MS):
            return False
        with self._services.changes.watched(self._services, self._hash) as job:
            while not self._services.draining():
                try:
                    status = await latest_status(
                        self._services, self._hash, job, whole_urls=self._whole_urls
                    )
                    if not await self._tell(job, status, send):
                        return False
                except PackmuleError as error:
                    # A reader that reconnects gets the error as a response of its own.
                    _log.debug("event stream ended error=%s", error)
                    return True
                if status.is_end and self._told.covers(status.version):
                    return True
                if not await self._until_news(job, send):
                    return False
        return True

    async def _tell(self, job: WatchedJob, status: StatusEvent, send: Send) -> bool:
        """Send what is new up to a status, then that status; return False as `_sent` does."""
        if self._told.covers(status.version):
            return True
        new_parts = [text for version, text in status.parts if not self._told.covers(version)]
        has_more = self._with_files
        while has_more:
            if self._services.draining():
                return True
            page = await next_files(
                self._services, job, status, self._told, whole_urls=self._whole_urls
            )
            if page.text and not await _sent(send, page.text):
                return False
            self._told, has_more = page.then, page.has_more
        for text in (*new_parts, status.text):
            if not await _sent(send, text):
                return False
        self._told = EventId(status.version)
        return True

    async def _until_news(self, job: WatchedJob, send: Send) -> bool:
        """Wait for a change, with a comment now and then; return False as `_sent` does."""
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
    """Send a piece; return False if the reader did not take it in time."""
    with anyio.move_on_after(_LONGEST_SEND):
        await send({"type": "http.response.body", "body": body, "more_body": True})
        return True
    return False
