"""Which files a retry tries again: all that failed or some of them, some under new links.

Owns that a file which keeps bytes goes on from them, and that nothing else of the job is touched.
Leaves the job's own change of state to `store.py`, whose transaction this runs in. A new link may
lead to another file: bytes that came from the old one are kept only where a strong entity tag can
tell (RFC 9110 8.8.1); the transfer compares it, and the length, before it goes on.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from packmule.errors import NotFailedFiles
from packmule.jobs import file_queries, queries
from packmule.jobs.model import Checkpoint
from packmule.jobs.records import job_of, open_entry_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from packmule.jobs.entries import EntryRows
    from packmule.jobs.model import Job, OpenEntry, Renewal

# Far below what any database takes in one statement.
_MOST_NAMED = 500


def try_again(connection: Connection, entries: EntryRows, job: Job, renewal: Renewal) -> Job:
    """Queue the chosen failed files; return the job. Raises NotFailedFiles."""
    of_job = {"of_job": job.id}
    asked = renewal.urls.keys() | (renewal.positions or ())
    if asked:
        failed = frozenset(connection.scalars(file_queries.FAILED_POSITIONS, of_job))
        if not asked <= failed:
            raise NotFailedFiles(frozenset(asked - failed))
    rows = connection.execute(file_queries.KEPT_ENTRIES, of_job)
    kept = [resumed for row in rows if (resumed := _resumed(open_entry_of(row), renewal))]
    again = {**of_job, "new_version": job.version}
    if renewal.positions is None:
        connection.execute(file_queries.TRY_FAILED_FILES_AGAIN, again)
    else:
        for some in _batches(asked):
            connection.execute(file_queries.TRY_THESE_AGAIN, {**again, "of_positions": some})
        job = job_of(connection.execute(queries.COUNT_FAILED_FILES, of_job).one())
    entries.renew(connection, job.id, renewal.urls)
    again_open = Checkpoint(0, job.progress, open=tuple(kept))
    entries.update(connection, job.id, job.version, again_open)
    return job


def _resumed(entry: OpenEntry, renewal: Renewal) -> OpenEntry | None:
    """Return from where a failed file that keeps bytes goes on; None where it does not."""
    if entry.position in renewal.urls:
        # Two hosts may well give different files one date.
        is_strong = (entry.etag or "").startswith('"')
        return replace(entry, last_modified=None) if is_strong else None
    is_chosen = renewal.positions is None or entry.position in renewal.positions
    return entry if is_chosen else None


def _batches(positions: Iterable[int]) -> Iterator[list[int]]:
    coming = iter(sorted(positions))
    while some := list(islice(coming, _MOST_NAMED)):
        yield some
