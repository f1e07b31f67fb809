"""The download of an archive: whole or in ranges, resumable, never held in memory.

Owns the route /archive/get and its response headers. Leaves selecting ranges to `ranges.py`,
sending bytes to `sending.py`, and handing both over to a proxy to `sendfile.py`. Follows RFC 9110
(conditional requests, ranges) and RFC 6266 (file names).
"""

from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from packmule.jobs.model import JobState
from packmule.storage.page_cache_read import OpenFile
from packmule.storage.usage import note_read
from packmule.web.documents import state_now
from packmule.web.job_hash import Hash
from packmule.web.problems import Problem, ProblemCode
from packmule.web.ranges import (
    NotModified,
    NotSatisfiable,
    PreconditionFailed,
    Ranges,
    Representation,
    Whole,
    http_date,
    select,
)
from packmule.web.recent_downloads import FoundArchive
from packmule.web.sending import ArchiveSource, FileParts, WholeFile
from packmule.web.services import GivenServices, Services

router = APIRouter(tags=["downloads"])

MEDIA_TYPE = "application/zip"

_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {}}, "description": "The archive."},
    206: {"content": {MEDIA_TYPE: {}}, "description": "The requested ranges."},
    304: {"description": "Not modified."},
    307: {"description": "The archive is in an object store; `Location` is its URL there."},
}


@router.head("/archive/get/{archive_hash}.zip", include_in_schema=False)
@router.get(
    "/archive/get/{archive_hash}.zip",
    response_class=Response,
    responses=_DOCUMENTED,
    summary="Download an archive",
)
async def download(request: Request, services: GivenServices, archive_hash: Hash) -> Response:
    """Return the archive, or the requested ranges of it. Supports conditional requests."""
    found = services.recent.find(archive_hash)
    if found is None:
        found = await run_in_threadpool(_find, services, archive_hash)
        services.recent.keep(found)
    name, archive = found.job.name or f"{found.job.hash}.zip", found.archive
    of = Representation(archive.size, archive.etag, int(archive.modified_at))
    validators = {
        "ETag": of.etag,
        "Last-Modified": http_date(of.modified_at),
        # What the hash opens is for whoever has it, and may be removed at any time.
        "Cache-Control": "private, no-cache, no-transform",
    }
    named = validators | {"Content-Disposition": disposition(name)}
    if services.sendfile is not None and archive.path is not None:
        # No body: the proxy puts the file in its place. No Accept-Ranges: nginx would add its own.
        asked = {**named, "Content-Type": MEDIA_TYPE, **services.sendfile.ask(archive.path)}
        return Response(None, 200, asked)
    selection = select(request.method, _fields(request.headers), of)
    sends = request.method == "GET" and isinstance(selection, Whole | Ranges)
    if sends and archive.path is None:
        # The client asks there again, with its Range and If-Range: the entity tag is the same.
        link = await run_in_threadpool(archive.bytes.link, name)
        if link is not None:
            elsewhere = {"Location": link, "Cache-Control": "private, no-store"}
            return Response(status_code=307, headers=elsewhere)
    match selection:
        case NotModified():
            return Response(status_code=304, headers=validators)
        case PreconditionFailed():
            raise _not_the_one()
        case NotSatisfiable():
            raise _no_part(of.size)
        case _:
            return _body(found, selection, named | {"Accept-Ranges": "bytes"})


def _body(found: FoundArchive, selection: Whole | Ranges, headers: dict[str, str]) -> Response:
    source, size = ArchiveSource(found.archive.bytes, found.file), found.archive.size
    match selection:
        case Whole():
            return WholeFile(source, size, headers | {"Content-Type": MEDIA_TYPE})
        case _:
            return FileParts(source, size, selection.ranges, headers, MEDIA_TYPE)


def _fields(headers: Headers) -> dict[str, str]:
    """Join a field that was sent in several lines, as a list of tags may be (RFC 9110 5.3).

    Of a field that is no list, two joined are of no grammar, so that neither counts.
    """
    return {name: ", ".join(headers.getlist(name)) for name in headers}


def _find(services: Services, hash_: str) -> FoundArchive:
    """Look job and archive up. Raises NotFound, Problem."""
    job = services.store.get(hash_)
    match state_now(job):
        case JobState.COMPLETED:
            archive = services.storage.find(hash_, job.etag)
            if archive is None:
                raise _gone()
            return FoundArchive(
                job, archive, None if archive.path is None else _opened(archive.path)
            )
        case JobState.EXPIRED:
            raise _gone()
        case JobState.FAILED:
            raise _no_archive("The job failed, so there is no archive; its status says why.")
        case JobState.CANCELLED:
            raise _no_archive("The job was cancelled, so there is no archive.")
        case JobState.QUEUED | JobState.RUNNING:
            raise _no_archive("The archive is not completed yet; its status says how far it is.")


def _opened(path: Path) -> OpenFile | None:
    """Note that the file is read, and open it; what hinders that is told when it is sent."""
    note_read(path)
    with suppress(OSError):
        return OpenFile(path)
    return None


def _no_archive(detail: str) -> Problem:
    return Problem(409, ProblemCode.WRONG_STATE, detail)


def _gone() -> Problem:
    return Problem(410, ProblemCode.GONE, "The archive has been removed; ask for it anew.")


def _not_the_one() -> Problem:
    return Problem(
        412,
        ProblemCode.PRECONDITION_FAILED,
        "The archive is not the one that the request's conditions name.",
    )


def _no_part(size: int) -> Problem:
    return Problem(
        416,
        ProblemCode.RANGE_NOT_SATISFIABLE,
        f"No part of the range lies within the archive's {size} bytes.",
        headers={"Content-Range": f"bytes */{size}"},
    )


def disposition(name: str) -> str:
    """Name the file for those who save it: RFC 6266 4.3, the second form RFC 8187 3.2.

    Old programs read `filename`, in which only plain characters are safe.
    """
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
