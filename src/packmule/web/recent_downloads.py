"""Archives that were downloaded a moment ago: looked up once, and held open for a second.

Owns how long a lookup holds. A media player or a segmented download sends one range request after
another, and looking up the job and the file each time costs more than sending a range (measured in
docs/decisions/0035-asked-again-within-a-second.md). What could make the response wrong is checked
each time, without waiting: whether the archive was removed or has expired. Used only from the event
loop's thread.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.jobs.model import JobState
from packmule.web.documents import state_now

if TYPE_CHECKING:
    from packmule.jobs.model import Job
    from packmule.storage.interface import StoredArchive
    from packmule.storage.page_cache_read import OpenFile

HELD_SECONDS = 1.0
MOST_HELD = 128


@dataclass(frozen=True, slots=True)
class FoundArchive:
    """A job with its archive, or a part of it; `file` if that is a local file.

    `part` is the part's number, None where the archive is not split.
    """

    job: Job
    archive: StoredArchive
    file: OpenFile | None
    part: int | None = None


class RecentDownloads:
    """The archives found lately, by hash and part."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], FoundArchive] = {}

    def __repr__(self) -> str:
        return f"<RecentDownloads: {len(self._found)} of {MOST_HELD} held>"

    def find(self, hash_: str, part: int = 1) -> FoundArchive | None:
        """Return what was found within the last second, if it is still valid."""
        found = self._found.get((hash_, part))
        if found is None or found.file is None:
            return None
        if found.file.is_removed or state_now(found.job) is JobState.EXPIRED:
            return None
        return found

    def keep(self, found: FoundArchive) -> None:
        """Keep what was found for a second, then close its file; at once if too many are kept."""
        if found.file is None:
            return
        key = found.job.hash, found.part or 1
        if key in self._found or len(self._found) >= MOST_HELD:
            found.file.close()
            return
        self._found[key] = found
        asyncio.get_running_loop().call_later(HELD_SECONDS, self._drop, key, found.file)

    def _drop(self, key: tuple[str, int], file: OpenFile) -> None:
        del self._found[key]
        file.close()
