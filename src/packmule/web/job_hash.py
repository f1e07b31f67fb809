"""A job's hash in a request's path: the one place that decides what a well-formed one is."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Path

from packmule.errors import NotFound
from packmule.telemetry.context import note

_HASH = re.compile(r"[0-9a-f]{32}")


async def checked_hash(
    archive_hash: Annotated[str, Path(description="The job's hash, as returned by `create`.")],
) -> str:
    """Return the hash, and add it to this request's log lines.

    Raises NotFound if it is malformed: whatever stands there instead is neither repeated nor used.
    """
    if not _HASH.fullmatch(archive_hash):
        raise NotFound("There is no archive of that hash.")
    note(job=archive_hash)
    return archive_hash


# A dependency, so that a malformed hash is 404 whatever else is wrong with the request.
Hash = Annotated[str, Depends(checked_hash)]
