"""Every statement about the files of jobs, named; the bulk ones are in `entries.py`.

Owns the SQL; leaves that about jobs to `queries.py`, and when to run which to `store.py` and
`reads.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from packmule.jobs.model import FileState
from packmule.jobs.queries import as_literal
from packmule.jobs.schema import files, jobs

if TYPE_CHECKING:
    from sqlalchemy.sql import Select


def _entries(state: FileState, *columns: str) -> Select[Any]:
    """Begin the statement that reads these columns of a job's files of one state."""
    return (
        select(*(files.c[name] for name in columns))
        .where(files.c.job_id == bindparam("of_job"), files.c.state == as_literal(state))
        .order_by(files.c.position)
    )


SOURCES = (
    select(files.c.position, files.c.url, files.c.wanted, files.c.expected)
    .where(files.c.job_id == bindparam("of_job"))
    .order_by(files.c.position)
)

# The first columns of the next two are the fields of DoneEntry and OpenEntry, in their order.
DONE_ENTRIES = _entries(
    FileState.DONE,
    "position",
    "name",
    "place",
    "method",
    "crc",
    "compressed_size",
    "size",
    "modified_at",
    "warning",
    "receipt",
)

_OPEN_COLUMNS = (
    "position",
    "name",
    "place",
    "header_size",
    "size",
    "written",
    "crc",
    "etag",
    "last_modified",
    "content_type",
    "modified_at",
    "warning",
    "segments",
    "version",
)

# A failed file that keeps its place.
_IS_KEPT = and_(
    files.c.state == as_literal(FileState.FAILED),
    files.c.kept_at == files.c.version,
    exists().where(jobs.c.id == files.c.job_id, jobs.c.kept_by == jobs.c.recorded_by),
)

OPEN_ENTRIES = (
    select(*(files.c[name] for name in _OPEN_COLUMNS))
    .where(
        files.c.job_id == bindparam("of_job"),
        or_(files.c.state == as_literal(FileState.OPEN), _IS_KEPT),
    )
    .order_by(files.c.position)
)

KEPT_ENTRIES = _entries(FileState.FAILED, *_OPEN_COLUMNS).where(_IS_KEPT)

FAILED_POSITIONS = _entries(FileState.FAILED, "position")

# Where a packed file lies.
PLACE = select(files.c.place).where(
    files.c.job_id == bindparam("of_job"),
    files.c.position == bindparam("at"),
    files.c.state == as_literal(FileState.DONE),
)

# How many packed files of its area come before it: its number in the archive, or part.
ENTRY_NUMBER = select(func.count()).where(
    files.c.job_id == bindparam("of_job"),
    files.c.position < bindparam("at"),
    files.c.state == as_literal(FileState.DONE),
    files.c.place >= bindparam("begin", type_=BigInteger),
    files.c.place < bindparam("stop", type_=BigInteger),
)

FAILED_ENTRIES = _entries(
    FileState.FAILED,
    "position",
    "name",
    "attempts",
    "failure_code",
    "failure_detail",
    "failure_http_status",
)

FILES = (
    select(files)
    .where(files.c.job_id == bindparam("of_job"), files.c.position > bindparam("after"))
    .order_by(files.c.position)
    .limit(bindparam("most"))
)

FILES_IN_STATE = FILES.where(files.c.state == bindparam("in_state"))

_failed = files.alias("failed")

FILES_FAILED = (
    select(files)
    .where(
        files.c.job_id == bindparam("of_job"),
        files.c.position.in_(
            select(_failed.c.position)
            .where(
                _failed.c.job_id == bindparam("of_job"),
                _failed.c.position > bindparam("after"),
                _failed.c.state == as_literal(FileState.FAILED),
            )
            .order_by(_failed.c.position)
            .limit(bindparam("most"))
        ),
    )
    .order_by(files.c.position)
)

# The positions are looked up by their index, so that a job of many files without any costs nothing.
_warned = files.alias("warned")

FILES_WARNED = (
    select(files)
    .where(
        files.c.job_id == bindparam("of_job"),
        files.c.position.in_(
            select(_warned.c.position)
            .where(_warned.c.job_id == bindparam("of_job"), _warned.c.warning.is_not(None))
            .order_by(_warned.c.position)
            .limit(bindparam("most"))
        ),
        files.c.state == as_literal(FileState.DONE),
    )
    .order_by(files.c.position)
)

# In the order in which they changed; only those that have one have a version, and are in the index.
FILES_CHANGED = (
    select(files)
    .where(
        files.c.job_id == bindparam("of_job"),
        files.c.version.is_not(None),
        tuple_(files.c.version, files.c.position)
        > tuple_(bindparam("after_version"), bindparam("after_position")),
        files.c.version <= bindparam("up_to"),
    )
    .order_by(files.c.version, files.c.position)
    .limit(bindparam("most"))
)

# Failed files by how the detail of their failure begins.
FAILED_WITH = (
    select(
        files.c.position,
        files.c.url,
        func.coalesce(func.nullif(files.c.name, ""), files.c.wanted),
    )
    .where(
        files.c.job_id == bindparam("of_job"),
        files.c.state == as_literal(FileState.FAILED),
        files.c.failure_detail.startswith(bindparam("beginning", type_=Text)),
    )
    .order_by(files.c.position)
    .limit(bindparam("most"))
)

TRY_FAILED_FILES_AGAIN = (
    update(files)
    .where(files.c.job_id == bindparam("of_job"), files.c.state == as_literal(FileState.FAILED))
    .values(
        state=FileState.PENDING.value,
        version=bindparam("new_version"),
        name=None,
        attempts=None,
        failure_code=None,
        failure_detail=None,
        failure_http_status=None,
        kept_at=None,
    )
)

TRY_THESE_AGAIN = TRY_FAILED_FILES_AGAIN.where(
    files.c.position.in_(bindparam("of_positions", expanding=True))
)

FORGET_FILES = delete(files).where(files.c.job_id == bindparam("of_job"))

# What the status of a completed job does not tell.
FORGET_PACKED_FILES = FORGET_FILES.where(files.c.state == "done", files.c.warning.is_(None))
