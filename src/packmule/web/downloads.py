"""The download of an archive: whole or in ranges, resumable, never held in memory.

Owns the routes below /archive/get that send archives and parts of them, and the headers of whatever
is downloaded. Leaves finding the archive to `archive_lookup.py`, one file out of it to
`archived_files.py`, selecting ranges to `ranges.py`, sending bytes to `sending.py`, and handing
both over to a proxy to `sendfile.py`. Follows RFC 9110 (conditional requests, ranges) and RFC 6266
(file names).
"""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from packmule.jobs.split_places import MOST_PARTS
from packmule.web.archive_lookup import find_archive
from packmule.web.documents import download_name
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

PartNumber = Annotated[
    int, Path(ge=1, le=MOST_PARTS, description="The part's number, from 1, as `parts` lists them.")
]

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
    """Return the archive, or the requested ranges of it. Supports conditional requests.

    If the archive is split, return its first part, once that is complete.
    """
    return await _sent(request, services, await find_archive(services, archive_hash))


@router.head("/archive/get/{archive_hash}/parts/{number}", include_in_schema=False)
@router.get(
    "/archive/get/{archive_hash}/parts/{number}",
    response_class=Response,
    responses=_DOCUMENTED,
    summary="Download one part of an archive",
)
async def download_part(
    request: Request, services: GivenServices, archive_hash: Hash, number: PartNumber
) -> Response:
    """Return one part of a split archive, or the requested ranges of it.

    A part can be downloaded as soon as it is complete, also while others are not.
    """
    return await _sent(request, services, await find_archive(services, archive_hash, number))


async def _sent(request: Request, services: Services, found: FoundArchive) -> Response:
    """Return the response that sends an archive, or that says where it is."""
    name, archive = download_name(found.job, found.part), found.archive
    of = Representation(archive.size, archive.etag, int(archive.modified_at))
    named = validators(of) | {"Content-Disposition": disposition(name)}
    if services.sendfile is not None and archive.path is not None:
        # No body: the proxy puts the file in its place. No Accept-Ranges: nginx would add its own.
        asked = {**named, "Content-Type": MEDIA_TYPE, **services.sendfile.ask(archive.path)}
        return Response(None, 200, asked)
    selection = selected(request, of)
    if isinstance(selection, Response):
        return selection
    if request.method == "GET" and archive.path is None:
        # The client asks there again, with its Range and If-Range: the entity tag is the same.
        link = await run_in_threadpool(archive.bytes.link, name)
        if link is not None:
            elsewhere = {"Location": link, "Cache-Control": "private, no-store"}
            return Response(status_code=307, headers=elsewhere)
    source = ArchiveSource(archive.bytes, found.file)
    return body(source, selection, of.size, named, MEDIA_TYPE)


def validators(of: Representation) -> dict[str, str]:
    """Return the headers that identify a version of what is downloaded."""
    return {
        "ETag": of.etag,
        "Last-Modified": http_date(of.modified_at),
        # What the hash opens is for whoever has it, and may be removed at any time.
        "Cache-Control": "private, no-cache, no-transform",
    }


def selected(request: Request, of: Representation) -> Whole | Ranges | Response:
    """Return what to send, or a 304 response. Raises Problem 412 and 416."""
    match select(request.method, _fields(request.headers), of):
        case NotModified():
            return Response(status_code=304, headers=validators(of))
        case PreconditionFailed():
            raise _other_version()
        case NotSatisfiable():
            raise _no_part(of.size)
        case selection:
            return selection


def body(
    source: ArchiveSource,
    selection: Whole | Ranges,
    size: int,
    headers: dict[str, str],
    media_type: str,
) -> Response:
    """Return the response that sends what was selected of `size` bytes."""
    headers = headers | {"Accept-Ranges": "bytes"}
    match selection:
        case Whole():
            return WholeFile(source, size, headers | {"Content-Type": media_type})
        case _:
            return FileParts(source, size, selection.ranges, headers, media_type)


def _fields(headers: Headers) -> dict[str, str]:
    """Join a field that was sent in several lines, as a list of tags may be (RFC 9110 5.3).

    Of a field that is no list, two joined are of no grammar, so that neither counts.
    """
    return {name: ", ".join(headers.getlist(name)) for name in headers}


def _other_version() -> Problem:
    return Problem(
        412,
        ProblemCode.PRECONDITION_FAILED,
        "This is not the version that the request's conditions name.",
    )


def _no_part(size: int) -> Problem:
    return Problem(
        416,
        ProblemCode.RANGE_NOT_SATISFIABLE,
        f"No part of the range lies within the {size} bytes.",
        headers={"Content-Range": f"bytes */{size}"},
    )


def disposition(name: str) -> str:
    """Name the file for those who save it: RFC 6266 4.3, the second form RFC 8187 3.2.

    Old programs read `filename`, in which only plain characters are safe.
    """
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
