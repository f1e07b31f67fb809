"""A job's hash in a request's path."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Path

from packmule.errors import NotFound
from packmule.telemetry.context import note

Hash = Annotated[str, Path(description="The job's hash, as returned by `create`.")]

_HASH = re.compile(r"[0-9a-f]{32}")


def checked_hash(archive_hash: str) -> str:
    """Return the hash, and add it to this request's log lines. Raises NotFound if it is none."""
    if not _HASH.fullmatch(archive_hash):
        raise NotFound("There is no archive of that hash.")
    note(job=archive_hash)
    return archive_hash
