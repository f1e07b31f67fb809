"""One file out of a completed archive, without downloading the rest.

Owns the route /archive/get/<hash>/files/<position> and which media types a browser may show. Leaves
finding the archive to `archive_lookup.py`, the place of the file to `archive_index.py`, and ranges
to `downloads.py`.

A file comes from somebody else's server, so a browser must not run it as part of this site: it is
an attachment, its type is what the name says only for pictures, sound and video, and the policy is
`sandbox` (CSP Level 3, 6.3.2). A page may still show pictures and videos in elements of its own.
"""

import mimetypes
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Path, Request, Response
from starlette.responses import StreamingResponse

from packmule.errors import NotFound
from packmule.web.archive_lookup import find_archive
from packmule.web.downloads import body, disposition, selected, validators
from packmule.web.entry_body import SlicedBytes, inflate_slice
from packmule.web.job_hash import Hash
from packmule.web.problems import Problem, ProblemCode
from packmule.web.ranges import Representation
from packmule.web.recent_downloads import FoundArchive
from packmule.web.sending import ArchiveSource
from packmule.web.services import GivenServices, Services
from packmule.zipformat.records import STORED

router = APIRouter(tags=["downloads"])

UNKNOWN: Final = "application/octet-stream"
_SHOWN: Final = ("image/", "audio/", "video/")
# A document that may contain scripts, whatever it is called.
_NEVER_SHOWN: Final = frozenset({"image/svg+xml"})

_SANDBOX: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
_LAST_POSITION: Final = 2**31 - 1

_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {UNKNOWN: {}}, "description": "The file."},
    206: {"content": {UNKNOWN: {}}, "description": "The requested ranges, if it is stored."},
    304: {"description": "Not modified."},
}

# Inflating a file is work for a processor, and there are few of those.
_inflating = CapacityLimiter(4)

Position = Annotated[
    int, Path(ge=0, le=_LAST_POSITION, description="The file's position in the list, from 0.")
]


@router.head("/archive/get/{archive_hash}/files/{position}", include_in_schema=False)
@router.get(
    "/archive/get/{archive_hash}/files/{position}",
    response_class=Response,
    responses=_DOCUMENTED,
    summary="Download one file of an archive",
)
async def download_file(
    request: Request, services: GivenServices, archive_hash: Hash, position: Position
) -> Response:
    """Return one file of a completed archive or part, or the requested ranges of it.

    A file that the archive holds compressed is always sent whole.
    """
    found = await find_archive(services, archive_hash)
    part, number = await to_thread.run_sync(_entry, services, found, position)
    if part != 1:
        found = await find_archive(services, archive_hash, part)
    place = await to_thread.run_sync(services.index.find, found.archive, number)
    archive = found.archive
    tag = archive.etag.strip('"')
    of = Representation(place.size, f'"{tag}-{position}"', int(archive.modified_at))
    selection = selected(request, of)
    if isinstance(selection, Response):
        return selection
    name = place.name.rpartition("/")[2]
    headers = validators(of) | _SANDBOX | {"Content-Disposition": disposition(name)}
    source = SlicedBytes(archive.bytes, place.part)
    if place.method == STORED and place.size:
        return body(ArchiveSource(source), selection, place.size, headers, media_type(name))
    headers |= {"Content-Length": str(place.size), "Accept-Ranges": "none"}
    if request.method == "HEAD" or not place.size:
        return Response(None, 200, headers, media_type(name))
    pieces = inflate_slice(source, len(place.part))
    return StreamingResponse(_in_threads(pieces), 200, headers, media_type(name))


def media_type(name: str) -> str:
    """Return the media type of a picture, sound or video by its name, else an unknown one."""
    guessed, coding = mimetypes.guess_type(name, strict=False)
    if guessed is None or coding is not None or guessed in _NEVER_SHOWN:
        return UNKNOWN
    return guessed if guessed.startswith(_SHOWN) else UNKNOWN


def _entry(services: Services, found: FoundArchive, position: int) -> tuple[int, int]:
    """Return in which part a file is, 1 where the archive is not split, and its number there."""
    entry = services.store.find_entry(found.job.id, position)
    if entry is None:
        raise NotFound(f"The archive has no file at position {position}.")
    area, number = entry
    if found.part is None:
        return 1, number
    for part in services.store.archive_parts(found.job.id):
        if part.area == area:
            return part.number, number
    detail = "The part that this file is in is not completed yet; the status lists those that are."
    raise Problem(409, ProblemCode.WRONG_STATE, detail)


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces, each made in a thread, and close the iterator whatever happens."""
    try:
        while piece := await to_thread.run_sync(next, pieces, b"", limiter=_inflating):
            yield piece
    finally:
        pieces.close()  # type: ignore[attr-defined]  # it is a generator
