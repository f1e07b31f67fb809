"""Archives that were asked for a moment ago: found once, and held open for a second.

Owns how long what was found holds. A player or a segmented download asks for one range after
another, and looking the job and the file up anew costs more than sending a range (measured,
docs/decisions/0035-asked-again-within-a-second.md). What could make the answer wrong is looked at
each time, without waiting: whether the archive was removed or its time is over. Used by the event
loop's thread alone.
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
    """A completed job with its archive; `file` where that is a file of this machine."""

    job: Job
    archive: StoredArchive
    file: OpenFile | None


class RecentDownloads:
    """What was found lately, by hash."""

    def __init__(self) -> None:
        self._found: dict[str, FoundArchive] = {}

    def find(self, hash_: str) -> FoundArchive | None:
        """Give what was found within the last second, where it still holds."""
        found = self._found.get(hash_)
        if found is None or found.file is None:
            return None
        if found.file.is_removed or state_now(found.job) is not JobState.COMPLETED:
            return None
        return found

    def keep(self, found: FoundArchive) -> None:
        """Hold what was found for a second; its file is closed then, or at once among too many."""
        if found.file is None:
            return
        hash_ = found.job.hash
        if hash_ in self._found or len(self._found) >= MOST_HELD:
            found.file.close()
            return
        self._found[hash_] = found
        asyncio.get_running_loop().call_later(HELD_SECONDS, self._drop, hash_, found.file)

    def _drop(self, hash_: str, file: OpenFile) -> None:
        del self._found[hash_]
        file.close()
