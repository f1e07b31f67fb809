"""The download of an archive: whole or in ranges, resumable, never held in memory.

Owns the route /archive/get and the headers of its answers. Leaves which part is asked for to
`ranges.py`, moving the bytes to `sending.py`, or both to a proxy (`handover.py`). The law: RFC 9110
(conditions, ranges), RFC 6266 (the file's name).
"""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from packmule.jobs.model import Job, JobState
from packmule.storage.interface import StoredArchive
from packmule.storage.reading import note_read
from packmule.web.archives import Hash, checked_hash
from packmule.web.documents import state_now
from packmule.web.parts import GivenParts, Parts
from packmule.web.problems import Problem, ProblemCode
from packmule.web.ranges import (
    NotModified,
    NotSatisfiable,
    PreconditionFailed,
    Representation,
    Whole,
    http_date,
    select,
)
from packmule.web.ranges import Parts as Ranges
from packmule.web.sending import FileParts, WholeFile

router = APIRouter(tags=["downloads"])

MEDIA_TYPE = "application/zip"

_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {}}, "description": "The archive."},
    206: {"content": {MEDIA_TYPE: {}}, "description": "The ranges asked for."},
    304: {"description": "Not modified."},
    307: {"description": "The archive is in an object store; `Location` is a link to it."},
}


@router.head("/archive/get/{archive_hash}.zip", include_in_schema=False)
@router.get(
    "/archive/get/{archive_hash}.zip",
    response_class=Response,
    responses=_DOCUMENTED,
    summary="Download an archive",
)
async def download(request: Request, parts: GivenParts, archive_hash: Hash) -> Response:
    """Send the archive, or the ranges of it that are asked for, if the conditions hold."""
    job, archive = await run_in_threadpool(_find, parts, checked_hash(archive_hash))
    of = Representation(archive.size, archive.etag, int(archive.modified_at))
    validators = {
        "ETag": of.etag,
        "Last-Modified": http_date(of.modified_at),
        # What the hash opens is for whoever has it, and may be removed at any time.
        "Cache-Control": "private, no-cache, no-transform",
    }
    named = validators | {"Content-Disposition": disposition(job.name or f"{job.hash}.zip")}
    if parts.handover is not None and archive.path is not None:
        # No body: the proxy puts the file in its place. No Accept-Ranges: nginx would add its own.
        asked = {**named, "Content-Type": MEDIA_TYPE, **parts.handover.ask(archive.path)}
        return Response(None, 200, asked)
    headers = named | {"Accept-Ranges": "bytes"}
    selection = select(request.method, _fields(request.headers), of)
    sends = request.method == "GET" and isinstance(selection, Whole | Ranges)
    if sends and archive.path is None:
        # The client asks there again, with its Range and If-Range: the entity tag is the same.
        link = await run_in_threadpool(archive.bytes.link, job.name or f"{job.hash}.zip")
        if link is not None:
            elsewhere = {"Location": link, "Cache-Control": "private, no-store"}
            return Response(status_code=307, headers=elsewhere)
    match selection:
        case NotModified():
            return Response(status_code=304, headers=validators)
        case PreconditionFailed():
            raise Problem(
                412,
                ProblemCode.PRECONDITION_FAILED,
                "The archive is not the one that the request's conditions name.",
            )
        case NotSatisfiable():
            raise Problem(
                416,
                ProblemCode.RANGE_NOT_SATISFIABLE,
                f"No part of the range lies within the archive's {of.size} bytes.",
                headers={"Content-Range": f"bytes */{of.size}"},
            )
        case Whole():
            return WholeFile(archive.bytes, of.size, headers | {"Content-Type": MEDIA_TYPE})
        case _:
            return FileParts(archive.bytes, of.size, selection.ranges, headers, MEDIA_TYPE)


def _fields(headers: Headers) -> dict[str, str]:
    """Join a field that was sent in several lines, as a list of tags may be (RFC 9110 5.3).

    Of a field that is no list, two joined are of no grammar, so that neither counts.
    """
    return {name: ", ".join(headers.getlist(name)) for name in headers}


def _find(parts: Parts, hash_: str) -> tuple[Job, StoredArchive]:
    """Look job and archive up. Raises NotFound, Problem."""
    job = parts.store.get(hash_)
    match state_now(job):
        case JobState.COMPLETED:
            archive = parts.storage.find(hash_)
            if archive is None:
                raise _gone()
            if archive.path is not None:
                note_read(archive.path)
            return job, archive
        case JobState.EXPIRED:
            raise _gone()
        case JobState.FAILED:
            raise _no_archive("The job failed, so there is no archive; its status says why.")
        case JobState.CANCELLED:
            raise _no_archive("The job was cancelled, so there is no archive.")
        case JobState.QUEUED | JobState.RUNNING:
            raise _no_archive("The archive is not completed yet; its status says how far it is.")


def _no_archive(detail: str) -> Problem:
    return Problem(409, ProblemCode.WRONG_STATE, detail)


def _gone() -> Problem:
    return Problem(410, ProblemCode.GONE, "The archive has been removed; ask for it anew.")


def disposition(name: str) -> str:
    """Name the file for those who save it: RFC 6266 4.3, the second form RFC 8187 3.2.

    Old programs read `filename`, in which only plain characters are safe.
    """
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
