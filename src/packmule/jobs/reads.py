"""What may be asked about jobs: the reading half of the store.

Owns the questions; none of them waits for a writer. Leaves changes to `store.py`. What a status
answer needs costs one indexed read, however many files the job has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import starmap
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from packmule.errors import NotFound, UsageError
from packmule.jobs import file_queries, queries
from packmule.jobs.archive_parts import read_archive_parts
from packmule.jobs.database import check_writable, reading
from packmule.jobs.expected import expected_of
from packmule.jobs.model import DoneEntry, Fence, FileState, JobState, Remembered
from packmule.jobs.part_rows import read_parts
from packmule.jobs.records import failed_entry_of, file_of, job_of, open_entry_of
from packmule.jobs.sources import Sources
from packmule.jobs.split_places import area_begin, area_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Result, Row, Select

    from packmule.jobs.model import ArchivePart, FileRecord, Job

T = TypeVar("T")

_LAST_ID = 2**62
_LAST_SECOND = 1e12

# Far below what any database takes in one statement.
_MOST_NAMED = 500

_BATCH = 10_000

# In which stored state, by which statement, the jobs are found that count as in a state now.
_LISTED_AS = {
    JobState.COMPLETED: ((JobState.COMPLETED, queries.OF_CLIENT_IN_TIME),),
    JobState.EXPIRED: (
        (JobState.EXPIRED, queries.OF_CLIENT),
        (JobState.COMPLETED, queries.OF_CLIENT_OVERDUE),
    ),
}


@dataclass(frozen=True, slots=True)
class FilePage:
    """Some files of a job, by position; `cursor` asks for those that follow, None at the end."""

    files: tuple[FileRecord, ...]
    cursor: int | None


@dataclass(frozen=True, slots=True)
class ChangedFiles:
    """Files of a job in the order they changed last; `last` is version and position of the last.

    Empty where nothing has changed.
    """

    files: tuple[FileRecord, ...]
    last: tuple[int, int]


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, the newest first; `cursor` asks for those that follow, None at the end."""

    jobs: tuple[Job, ...]
    cursor: int | None


class OpenJob(NamedTuple):
    """What the task of a job that is queued or running is made of."""

    id: int
    hash: str
    priority: int
    client: str


class FailedLink(NamedTuple):
    """A failed file's position, its link, and its name in the archive if that is known."""

    position: int
    url: str
    name: str | None


class EndedJob(NamedTuple):
    """A job that has ended and keeps so many links."""

    id: int
    hash: str
    state: JobState
    links: int


class JobReads:
    """Answers questions about jobs, from one moment of the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, hash_: str) -> Job:
        """Look a job up. Raises NotFound."""
        with reading(self._engine) as connection:
            row = connection.execute(queries.JOB, {"of_hash": hash_}).one_or_none()
        if row is None:
            raise unknown()
        return job_of(row)

    def find_hash(self, beginning: str) -> str:
        """Return the only hash that begins so. Raises NotFound, UsageError if there are several."""
        values = {"beginning": beginning, "beyond": f"{beginning}g"}
        with reading(self._engine) as connection:
            found = connection.scalars(queries.HASHES_FROM, values).all()
        if not found:
            raise unknown()
        if len(found) > 1:
            raise UsageError(
                f"Several jobs have a hash that begins with {beginning}; give more digits."
            )
        return str(found[0])

    def find_version(self, hash_: str) -> tuple[JobState, int]:
        """Return a job's state and version, which rises at each change. Raises NotFound."""
        with reading(self._engine) as connection:
            row = connection.execute(queries.VERSION, {"of_hash": hash_}).one_or_none()
        if row is None:
            raise unknown()
        return JobState(row.state), row.version

    def find_versions(self, hashes: Sequence[str]) -> dict[str, tuple[JobState, int]]:
        """Return the same of many jobs at once; those that are not there are left out."""
        with reading(self._engine) as connection:
            return {
                row.hash: (JobState(row.state), row.version)
                for some in _batches(hashes)
                for row in connection.execute(queries.VERSIONS, {"of_hashes": some})
            }

    def still_held(self, fences: Sequence[Fence]) -> dict[Fence, bool]:
        """Return those of some runs that still hold their jobs, and whether each is to finish."""
        ids = [fence.job_id for fence in fences]
        with reading(self._engine) as connection:
            now = {
                Fence(*fence): bool(finishing)
                for some in _batches(ids)
                for *fence, finishing in connection.execute(queries.HELD, {"of_jobs": some})
            }
        return {fence: now[fence] for fence in fences if fence in now}

    def failures(self, job_id: int, limit: int) -> tuple[FileRecord, ...]:
        """List the first files that failed for good, by position."""
        with reading(self._engine) as connection:
            return failures_of(connection, job_id, limit)

    def warnings(self, job_id: int, limit: int) -> tuple[FileRecord, ...]:
        """List the first packed files with a warning, by position."""
        with reading(self._engine) as connection:
            return warnings_of(connection, job_id, limit)

    def failed_with(self, job_id: int, beginning: str, limit: int) -> tuple[FailedLink, ...]:
        """List the first failed files whose failure's detail begins so, by position."""
        values = {"of_job": job_id, "beginning": beginning, "most": limit}
        with reading(self._engine) as connection:
            return tuple(starmap(FailedLink, connection.execute(file_queries.FAILED_WITH, values)))

    def files(
        self,
        hash_: str,
        *,
        state: FileState | None = None,
        cursor: int | None = None,
        limit: int = 100,
    ) -> FilePage:
        """List a job's files behind a cursor, at most `limit`. Raises NotFound.

        The cursor is the position of the last file seen. An expired job has no files any more.
        """
        job = self.get(hash_)
        # One more than asked for: whether it comes tells whether there is another page.
        values: dict[str, int | str] = {
            "of_job": job.id,
            "after": -1 if cursor is None else cursor,
            "most": limit + 1,
        }
        match state:
            case None:
                statement = file_queries.FILES
            case FileState.FAILED:
                statement = file_queries.FILES_FAILED
            case _:
                statement = file_queries.FILES_IN_STATE
                values["in_state"] = state.value
        with reading(self._engine) as connection:
            found = [file_of(row) for row in connection.execute(statement, values)]
        page = tuple(found[:limit])
        return FilePage(page, page[-1].position if len(found) > limit else None)

    def find_entry(self, job_id: int, position: int) -> tuple[int, int] | None:
        """Return a packed file's area, and its number among the entries there, from 0; else None.

        An archive that is not split is one area.
        """
        of_file = {"of_job": job_id, "at": position}
        with reading(self._engine) as connection:
            place = connection.execute(file_queries.PLACE, of_file).scalar_one_or_none()
            if place is None:
                return None
            area = area_of(place)
            bounds = {"begin": area_begin(area), "stop": area_begin(area + 1)}
            found = connection.execute(file_queries.ENTRY_NUMBER, of_file | bounds)
            return area, found.scalar_one()

    def archive_parts(self, job_id: int) -> tuple[ArchivePart, ...]:
        """List the complete parts of a split archive, by number."""
        with reading(self._engine) as connection:
            return read_archive_parts(connection, job_id)

    def changed_files(
        self, job_id: int, after: tuple[int, int], up_to: int, limit: int = 100
    ) -> ChangedFiles:
        """List the files that changed behind `after`, a version of the job and a position.

        Not those that changed after the version `up_to`. However many files the job has, only what
        is listed is read.
        """
        values = {
            "of_job": job_id,
            "after_version": after[0],
            "after_position": after[1],
            "up_to": up_to,
            "most": limit,
        }
        with reading(self._engine) as connection:
            rows = connection.execute(file_queries.FILES_CHANGED, values).all()
        last = (rows[-1].version, rows[-1].position) if rows else after
        return ChangedFiles(tuple(map(file_of, rows)), last)

    def due_for_expiry(self, now: datetime, limit: int = 100) -> tuple[str, ...]:
        """List the hashes of ended jobs whose time is over, the longest overdue first."""
        values = {"now": now.timestamp(), "most": limit}
        with reading(self._engine) as connection:
            return tuple(connection.scalars(queries.DUE_FOR_EXPIRY, values))

    def oldest_completed(self, after: int, limit: int = 100) -> tuple[Job, ...]:
        """List completed jobs in the order they were created, those with an id beyond `after`."""
        values = {"after": after, "most": limit}
        with reading(self._engine) as connection:
            return tuple(map(job_of, connection.execute(queries.OLDEST_COMPLETED, values)))

    def bytes_held(self) -> dict[str, int]:
        """Sum up the bytes each client holds: its archives, and what its other jobs have so far."""
        with reading(self._engine) as connection:
            rows = connection.execute(queries.BYTES_HELD)
            return {row.client: int(row.total) for row in rows}

    def counts(self) -> dict[JobState, int]:
        """Count the jobs in each state: a walk over indexes, tens of milliseconds a million."""
        with reading(self._engine) as connection:
            return {
                state: connection.execute(statement).scalar_one()
                for state, statement in queries.COUNTS.items()
            }

    def count_storage_waits(self) -> int:
        """Count the jobs that wait for the object store."""
        with reading(self._engine) as connection:
            return connection.execute(queries.COUNT_STORAGE_WAITS).scalar_one()

    def check(self) -> None:
        """Raise StorageFailed, or DiskFull, where the database cannot be written, soon."""
        check_writable(self._engine)

    def newest(
        self,
        *,
        state: JobState | None = None,
        client: str | None = None,
        after: float = 0.0,
        until: float = math.inf,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Job, ...]:
        """List jobs for the operator, the newest first, those with a smaller id than `before`.

        `after` and `until` bound the second, since the epoch, in which they were created.
        """
        values = {
            "of_client": client,
            "after": after,
            "until": min(until, _LAST_SECOND),
            "before": _LAST_ID if before is None else before,
            "most": limit,
        }
        with reading(self._engine) as connection:
            return tuple(map(job_of, connection.execute(queries.NEWEST[state], values)))

    def of_client(
        self,
        client: str,
        *,
        now: float,
        states: Collection[JobState] = frozenset(JobState),
        before: int | None = None,
        limit: int = 100,
    ) -> JobPage:
        """List a client's jobs, the newest first, those behind a cursor, at most `limit`.

        A completed job whose time is over at `now`, in seconds since the epoch, counts as expired.
        """
        values = {
            "of_client": client,
            "now": now,
            "before": _LAST_ID if before is None else before,
            "most": limit + 1,
        }
        with reading(self._engine) as connection:
            found = [
                job_of(row)
                for state in states
                for stored, statement in _LISTED_AS.get(state, ((state, queries.OF_CLIENT),))
                for row in connection.execute(statement, values | {"of_state": stored.value})
            ]
        found.sort(key=lambda job: job.id, reverse=True)
        page = tuple(found[:limit])
        return JobPage(page, page[-1].id if len(found) > limit else None)

    def clients_with_links_above(self, most: int) -> tuple[str, ...]:
        """List the clients whose ended jobs keep more links than that."""
        with reading(self._engine) as connection:
            return tuple(connection.scalars(queries.CLIENTS_WITH_LINKS, {"most": most}))

    def ended_with_links(self, client: str) -> tuple[EndedJob, ...]:
        """List a client's ended jobs that keep their links, the newest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(queries.ENDED_WITH_LINKS, {"of_client": client})
            return tuple(EndedJob(id_, hash_, JobState(s), n) for id_, hash_, s, n in rows)

    def still_open(self, after: int, limit: int) -> tuple[OpenJob, ...]:
        """List jobs that are queued or running, by number, those behind `after`."""
        values = {"after": after, "most": limit}
        with reading(self._engine) as connection:
            found = [
                OpenJob(*row)
                for statement in queries.IN_STATE_BY_ID.values()
                for row in connection.execute(statement, values)
            ]
        return tuple(sorted(found)[:limit])

    def open_jobs(self, client: str) -> int:
        """Count a client's jobs that are queued or running."""
        with reading(self._engine) as connection:
            return connection.execute(queries.OPEN_JOBS, {"of_client": client}).scalar_one()


def _batches(asked: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split what is asked for into what one statement may name."""
    return (asked[at : at + _MOST_NAMED] for at in range(0, len(asked), _MOST_NAMED))


def unknown() -> NotFound:
    """Return the error for a job that is not there, without repeating what may be a secret."""
    return NotFound("There is no archive of that hash.")


def failures_of(connection: Connection, job_id: int, limit: int) -> tuple[FileRecord, ...]:
    """List the first files of a job that failed for good, by position."""
    values = {"of_job": job_id, "after": -1, "most": limit}
    return tuple(file_of(row) for row in connection.execute(file_queries.FILES_FAILED, values))


def warnings_of(connection: Connection, job_id: int, limit: int) -> tuple[FileRecord, ...]:
    """List the first packed files of a job with a warning, by position."""
    values = {"of_job": job_id, "most": limit}
    return tuple(file_of(row) for row in connection.execute(file_queries.FILES_WARNED, values))


def load(connection: Connection, row: Row[Any]) -> tuple[Sources, Remembered]:
    """Read what a run of a job begins with: its sources, and all its checkpoints added up."""
    of_job = {"of_job": row.id}

    def rows(statement: Select[Any]) -> Result[Any]:
        # All rows of a million files at once would take more memory than what is made of them.
        return connection.execute(statement, of_job, execution_options={"yield_per": _BATCH})

    return (
        Sources(
            starmap(
                lambda _, url, name, text: (url, name, expected_of(text)),
                rows(file_queries.SOURCES),
            )
        ),
        Remembered(
            tail=row.tail,
            done=tuple(starmap(DoneEntry, rows(file_queries.DONE_ENTRIES))),
            open=tuple(map(open_entry_of, connection.execute(file_queries.OPEN_ENTRIES, of_job))),
            failed=tuple(
                map(failed_entry_of, connection.execute(file_queries.FAILED_ENTRIES, of_job))
            ),
            upload=row.upload,
            begun=row.parts_begun or 0,
            parts=read_parts(connection, row.id) if row.upload is not None else (),
        ),
    )
