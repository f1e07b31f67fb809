"""Find a completed archive by its hash, or explain why there is none.

Owns the lookup of job and archive for everything that sends bytes of an archive. Leaves how long a
lookup holds to `recent_downloads.py`, and the response to the routes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from packmule.jobs.model import JobState
from packmule.storage.page_cache_read import OpenFile
from packmule.storage.usage import note_read
from packmule.web.documents import state_now
from packmule.web.problems import Problem, ProblemCode
from packmule.web.recent_downloads import FoundArchive

if TYPE_CHECKING:
    from pathlib import Path

    from packmule.web.services import Services


async def find_archive(services: Services, hash_: str) -> FoundArchive:
    """Return a completed job with its archive. Raises NotFound, and Problem 409 or 410."""
    found = services.recent.find(hash_)
    if found is None:
        found = await run_in_threadpool(_find, services, hash_)
        services.recent.keep(found)
    return found


def _find(services: Services, hash_: str) -> FoundArchive:
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
    """Note that the file is read, and open it; a failure shows when the file is sent."""
    note_read(path)
    with suppress(OSError):
        return OpenFile(path)
    return None


def _no_archive(detail: str) -> Problem:
    return Problem(409, ProblemCode.WRONG_STATE, detail)


def _gone() -> Problem:
    return Problem(410, ProblemCode.GONE, "The archive has been removed; create it again.")
