"""The rows of a job's files, written many at a time: sources at first, then what became of each.

Owns the order of parameters of the bulk statements, and how a value becomes a row; leaves
transactions and fencing to `store.py`. `records.py` is the way back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, literal_column, null, update

from packmule.jobs.bulk import Bulk
from packmule.jobs.expected import expected_text
from packmule.jobs.model import FileState
from packmule.jobs.records import segments_text
from packmule.jobs.schema import files
from packmule.jobs.storable_text import storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Dialect
    from sqlalchemy.sql import Update

    from packmule.jobs.model import Checkpoint, FailedEntry, Source

_SOURCE = ("job_id", "position", "url", "wanted", "expected")
_WHICH = ("of_job", "of_position")

# What each state sets; a column that is not named keeps what it had.
_DONE = (
    "name",
    "place",
    "method",
    "crc",
    "written",
    "size",
    "compressed_size",
    "modified_at",
    "warning",
    "receipt",
    "version",
)
_OPEN = (
    "name",
    "place",
    "header_size",
    "crc",
    "written",
    "segments",
    "size",
    "etag",
    "last_modified",
    "content_type",
    "modified_at",
    "warning",
    "version",
)
_FAILED = (
    "name",
    "attempts",
    "failure_code",
    "failure_detail",
    "failure_http_status",
    "kept_at",
    "version",
)


def _becomes(state: FileState, columns: Iterable[str]) -> Update:
    return (
        update(files)
        .where(
            files.c.job_id == bindparam("of_job"),
            files.c.position == bindparam("of_position"),
        )
        .values(state=literal_column(f"'{state}'"))
        .values({name: bindparam(f"new_{name}") for name in columns})
    )


def _update(state: FileState, columns: tuple[str, ...], dialect: Dialect) -> Bulk:
    names = tuple(f"new_{name}" for name in columns)
    return Bulk(_becomes(state, columns), dialect, names + _WHICH)


class EntryRows:
    """Writes the files of jobs, in the caller's transaction."""

    def __init__(self, dialect: Dialect) -> None:
        source = insert(files).values({name: bindparam(name) for name in _SOURCE})
        self._insert = Bulk(source, dialect, _SOURCE)
        self._done = _update(FileState.DONE, _DONE, dialect)
        self._open = _update(FileState.OPEN, _OPEN, dialect)
        self._failed = _update(FileState.FAILED, _FAILED, dialect)
        again = _becomes(FileState.PENDING, ("version",)).values(name=null(), warning=null())
        self._forgotten = Bulk(again, dialect, ("new_version", *_WHICH))
        given_up = _becomes(FileState.FAILED, ()).values(kept_at=null())
        self._dropped = Bulk(given_up, dialect, _WHICH)
        renewed = _becomes(FileState.PENDING, ("url",))
        self._renewed = Bulk(renewed, dialect, ("new_url", *_WHICH))

    def insert(self, connection: Connection, job_id: int, sources: Iterable[Source]) -> None:
        """Write the sources of a new job."""
        rows = ((job_id, *source[:3], expected_text(source.expected)) for source in sources)
        self._insert.run(connection, rows)

    def renew(self, connection: Connection, job_id: int, urls: Mapping[int, str]) -> None:
        """Replace the URLs of files that are to be fetched, by position."""
        self._renewed.run(connection, ((url, job_id, position) for position, url in urls.items()))

    def update(
        self, connection: Connection, job_id: int, version: int, checkpoint: Checkpoint
    ) -> None:
        """Write what a checkpoint says of each file, at that version of the job."""
        self._forgotten.run(connection, [(version, job_id, n) for n in checkpoint.forgotten])
        self._dropped.run(connection, [(job_id, n) for n in checkpoint.dropped])
        # A file that one checkpoint calls both open and done was finished while it was made; one
        # that is open and has failed keeps what it has.
        self._open.run(
            connection,
            [
                (
                    e.name,
                    e.offset,
                    e.header_size,
                    e.crc,
                    e.written,
                    segments_text(e.segments, version),
                    e.size,
                    *map(_storable, (e.etag, e.last_modified, e.content_type)),
                    *(e.modified_at, e.warning),
                    version,
                    job_id,
                    e.position,
                )
                for e in checkpoint.open
            ],
        )
        self._done.run(
            connection,
            [
                (
                    e.name,
                    e.offset,
                    e.method,
                    e.crc,
                    e.size,
                    e.size,
                    e.compressed_size,
                    *(e.modified_at, e.warning, e.receipt),
                    version,
                    job_id,
                    e.position,
                )
                for e in checkpoint.done
            ],
        )
        kept = {e.position for e in checkpoint.open}
        self._failed.run(
            connection,
            [
                (*_failure(e), version if e.position in kept else None, version, job_id, e.position)
                for e in checkpoint.failed
            ],
        )


def _failure(entry: FailedEntry) -> tuple[str | int | None, ...]:
    """Return the first columns of `_FAILED`."""
    failure = entry.failure
    return (
        entry.name,
        failure.attempts,
        failure.code.value,
        storable(failure.detail),
        failure.http_status,
    )


def _storable(text: str | None) -> str | None:
    """Return what an origin's header said; what cannot be kept was of no use as it was."""
    return None if text is None else storable(text)
