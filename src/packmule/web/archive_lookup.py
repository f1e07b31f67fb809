"""Find a completed archive, or a part of one, by its hash, or explain why there is none.

Owns the lookup of job and archive for everything that sends bytes of an archive. Leaves how long a
lookup holds to `recent_downloads.py`, and the response to the routes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from packmule.errors import NotFound
from packmule.jobs.model import JobState
from packmule.storage.interface import part_key
from packmule.storage.page_cache_read import OpenFile
from packmule.storage.usage import note_read
from packmule.web.documents import split_parts, state_now
from packmule.web.problems import Problem, ProblemCode
from packmule.web.recent_downloads import FoundArchive

if TYPE_CHECKING:
    from pathlib import Path

    from packmule.jobs.model import Job
    from packmule.storage.interface import StoredArchive
    from packmule.web.services import Services


async def find_archive(services: Services, hash_: str, part: int = 1) -> FoundArchive:
    """Return a job with its archive, or that part. Raises NotFound, and Problem 409 or 410."""
    found = services.recent.find(hash_, part)
    if found is None:
        found = await run_in_threadpool(_find, services, hash_, part)
        services.recent.keep(found)
    return found


def _find(services: Services, hash_: str, number: int) -> FoundArchive:
    job = services.store.get(hash_)
    state = state_now(job)
    if state is JobState.EXPIRED:
        raise _gone()
    if state is JobState.CANCELLED:
        raise _no_archive("The job was cancelled, so there is no archive.")
    parts = None
    if job.max_part_bytes is not None:
        parts = split_parts(job, services.store.archive_parts(job.id))
    if parts and number <= len(parts):
        part = parts[number - 1]
        archive = services.storage.find(part_key(hash_, part.area), part.etag)
        return _found(job, archive, number)
    match state:
        case JobState.COMPLETED if number == 1 and parts is None:
            return _found(job, services.storage.find(hash_, job.etag), None)
        case JobState.COMPLETED:
            raise NotFound(f"The archive has no part {number}.")
        case JobState.FAILED:
            raise _no_archive("The job failed, so there is no archive; its status says why.")
        case _:
            what = "archive" if number == 1 else "part"
            detail = f"The {what} is not completed yet; the status says how far the archive is."
            raise _no_archive(detail)


def _found(job: Job, archive: StoredArchive | None, part: int | None) -> FoundArchive:
    if archive is None:
        raise _gone()
    file = None if archive.path is None else _opened(archive.path)
    return FoundArchive(job, archive, file, part)


def _opened(path: Path) -> OpenFile | None:
    """Note that the file is read, and open it; a failure shows when the file is sent."""
    note_read(path)
    with suppress(OSError):
        return OpenFile(path)
    return None


def _no_archive(detail: str) -> Problem:
    return Problem(409, ProblemCode.WRONG_STATE, detail)


def _gone() -> Problem:
    return Problem(410, ProblemCode.GONE, "The archive has been removed; create it again.")
