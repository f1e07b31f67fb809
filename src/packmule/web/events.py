"""The events of a job: its progress as it comes, then its end, as a stream that can be resumed.

Owns the route /api/archive/events, the form of the stream and its bounds. Leaves waiting for
changes to `waiting.py`, the status documents to `documents.py`. Each event is the whole status, so
one that was missed is made good by the next: a reader that is slow is told less often, and nothing
is kept for it. An event's id is the job's version; who names the last one it was told goes on from
there.

The law: the HTML Standard, 9.2 (server-sent events).
"""

import logging
from time import monotonic
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from packmule.errors import PackmuleError
from packmule.web.archives import Hash, checked_hash, status_document
from packmule.web.documents import OPEN_STATES, state_now
from packmule.web.parts import GivenParts, Parts
from packmule.web.problems import Problem, ProblemCode
from packmule.web.waiting import WatchedJob

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/archive", tags=["archives"])

MEDIA_TYPE = "text/event-stream"

# Proxies commonly cut what is silent for 60 s, and a reader that takes nothing so long has gone.
_KEEP_ALIVE = 15.0
_LONGEST_SEND = 60.0
_RETRY_MS = 2000
_LAST_DIGITS = 18

# One event, as OpenAPI 3.2 (4.14.5) describes them; 3.1 has no other place for it than `schema`.
_STATUSES = ["InProgressOut", "CompletedOut", "FailedOut", "CancelledOut", "ExpiredOut"]
_EVENT = {
    "title": "One event",
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"enum": ["progress", "completed", "failed", "cancelled", "expired"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in _STATUSES]
            },
        },
    },
}

_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MEDIA_TYPE: {"schema": _EVENT}},
        "description": "`progress` events, then one of `completed`, `failed`, `cancelled` and "
        "`expired`; the data of each is the status document, its id the job's version.",
    },
    204: {"description": "The job has ended, and `Last-Event-ID` says that this was told."},
}


@router.get(
    "/events/{archive_hash}",
    response_class=Response,
    responses=_DOCUMENTED,
    summary="Follow a job",
)
async def events(
    parts: GivenParts,
    archive_hash: Hash,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was told.")
    ] = None,
) -> Response:
    """Send an event at each change of the job, until it has ended.

    A stream that is cut is gone on with where `Last-Event-ID` is sent, as browsers do.
    """
    job = await run_in_threadpool(parts.store.get, checked_hash(archive_hash))
    told = _number(last_event_id, job.version)
    if told == job.version and state_now(job) not in OPEN_STATES:
        # The one answer after which a browser does not ask again.
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    if parts.changes.streams >= parts.bounds.event_streams or parts.draining():
        raise Problem(
            503,
            ProblemCode.OVERLOADED,
            "No more streams of events can be had now; ask for the status, with `wait`.",
            headers={"Retry-After": "5"},
        )
    return EventStream(parts, archive_hash, told)


def _number(last_event_id: str | None, version: int) -> int:
    """Read the version that was told last; 0 where that is none of this job."""
    text = last_event_id or ""
    if not (text.isascii() and text.isdigit()) or len(text) > _LAST_DIGITS:
        return 0
    return int(text) if int(text) <= version else 0


class EventStream(Response):
    """200: the events of a job behind the version `told`."""

    def __init__(self, parts: Parts, hash_: str, told: int) -> None:
        super().__init__(
            None, 200, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, MEDIA_TYPE
        )
        del self.headers["content-length"]
        self._parts = parts
        self._hash = hash_
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the job, the reader or this process comes to its end."""
        del scope
        changes = self._parts.changes
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
        with self._parts.changes.watched(self._parts, self._hash) as job:
            while not self._parts.draining():
                try:
                    version, event, is_end = await self._latest(job)
                except PackmuleError as error:
                    # Whoever comes again is told what it is, by an answer of its own.
                    _log.debug("the events cannot be told: %s", error)
                    return True
                if version > self._told:
                    if not await _sent(send, event):
                        return False
                    self._told = version
                if is_end:
                    return True
                if not await self._until_news(job, send):
                    return False
        return True

    async def _until_news(self, job: WatchedJob, send: Send) -> bool:
        """Wait for a change, saying now and then that one waits; False as `_sent`."""
        silent_since = monotonic()
        while not self._parts.draining() and (job.seen is None or job.seen[1] <= self._told):
            left = silent_since + _KEEP_ALIVE - monotonic()
            if left <= 0:
                if not await _sent(send, b": nothing new\n\n"):
                    return False
                silent_since = monotonic()
                continue
            await job.news(left)
        return True

    async def _latest(self, job: WatchedJob) -> tuple[int, bytes, bool]:
        """Give version and event of the job as it is, and whether that is its end.

        Read once for all who follow it. Raises NotFound, StorageFailed.
        """
        async with job.reading:
            if job.told is None or job.seen is None or job.told[0] < job.seen[1]:
                job.told = await run_in_threadpool(_event_of, self._parts, self._hash)
            return job.told


async def _sent(send: Send, body: bytes) -> bool:
    """Send a piece; False where the reader did not take it in time."""
    with anyio.move_on_after(_LONGEST_SEND):
        await send({"type": "http.response.body", "body": body, "more_body": True})
        return True
    return False


def _event_of(parts: Parts, hash_: str) -> tuple[int, bytes, bool]:
    """Write the event of a job as it is now."""
    job = parts.store.get(hash_)
    document = status_document(parts, job)
    is_open = document.status == "in-progress"
    name = "progress" if is_open else document.status
    text = f"id: {job.version}\nevent: {name}\ndata: {document.model_dump_json()}\n\n"
    return job.version, text.encode(), not is_open
