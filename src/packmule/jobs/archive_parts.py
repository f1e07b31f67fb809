"""The rows of a split archive's complete parts.

Owns their statements, and their numbers: from 1, in the order in which parts are completed. Leaves
transactions and fencing to `store.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select

from packmule.jobs.model import ArchivePart
from packmule.jobs.schema import archive_parts

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from packmule.jobs.model import NewPart

_READ = (
    select(archive_parts)
    .where(archive_parts.c.job_id == bindparam("of_job"))
    .order_by(archive_parts.c.number)
)
_FORGET = delete(archive_parts).where(archive_parts.c.job_id == bindparam("of_job"))


def read_archive_parts(connection: Connection, job_id: int) -> tuple[ArchivePart, ...]:
    """Read the complete parts of a job, by number."""
    return tuple(map(_part_of, connection.execute(_READ, {"of_job": job_id})))


def add_archive_part(
    connection: Connection, job_id: int, version: int, part: NewPart
) -> tuple[ArchivePart, bool]:
    """Add a part; return it as it is numbered, and whether it was new."""
    known = read_archive_parts(connection, job_id)
    for each in known:
        if each.area == part.area:
            return each, False
    added = ArchivePart(len(known) + 1, version, *part)
    connection.execute(insert(archive_parts), {"job_id": job_id, **added._asdict()})
    return added, True


def forget_archive_parts(connection: Connection, job_id: int) -> None:
    """Forget all parts of a job."""
    connection.execute(_FORGET, {"of_job": job_id})


def _part_of(row: Row[Any]) -> ArchivePart:
    return ArchivePart(
        row.number, row.version, row.area, row.size, row.etag, row.files, row.has_report
    )
