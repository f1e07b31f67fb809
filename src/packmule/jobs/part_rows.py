"""The rows of an archive's parts, and how a part becomes one.

Owns the three statements that change them and the form of the extents; leaves transactions and
fencing to `store.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from packmule.jobs.model import Part
from packmule.jobs.schema import jobs, parts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from packmule.jobs.model import Uploads

_SET_UPLOAD = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"))
    .values(upload=bindparam("new_upload"), parts_begun=bindparam("new_begun"))
)
_ONE = delete(parts).where(
    parts.c.job_id == bindparam("of_job"), parts.c.number == bindparam("of_number")
)
_ALL = delete(parts).where(parts.c.job_id == bindparam("of_job"))
_READ = (
    select(parts.c.number, parts.c.extents, parts.c.etag)
    .where(parts.c.job_id == bindparam("of_job"))
    .order_by(parts.c.number)
)


def write_uploads(connection: Connection, job_id: int, uploads: Uploads) -> None:
    """Write what a checkpoint says of the parts."""
    values = {"of_job": job_id, "new_upload": uploads.upload, "new_begun": uploads.begun}
    connection.execute(_SET_UPLOAD, values)
    gone = [*uploads.lost, *(part.number for part in uploads.parts)]
    if gone:
        connection.execute(_ONE, [{"of_job": job_id, "of_number": number} for number in gone])
    if uploads.parts:
        connection.execute(insert(parts), [_row(job_id, part) for part in uploads.parts])


def forget_parts(connection: Connection, job_id: int) -> None:
    """Forget all parts of a job: its archive is there, or will never be."""
    connection.execute(_ALL, {"of_job": job_id})


def read_parts(connection: Connection, job_id: int) -> tuple[Part, ...]:
    """Read the parts of a job's archive, by number."""
    return tuple(
        Part(number, _extents(text), etag)
        for number, text, etag in connection.execute(_READ, {"of_job": job_id})
    )


def _row(job_id: int, part: Part) -> dict[str, Any]:
    extents = ",".join(f"{start}-{stop}" for start, stop in part.extents)
    return {"job_id": job_id, "number": part.number, "extents": extents, "etag": part.etag}


def _extents(text: str) -> tuple[tuple[int, int], ...]:
    ranges = (each.partition("-") for each in text.split(","))
    return tuple((int(start), int(stop)) for start, _, stop in ranges)
