"""The values of the event stream: the ID of an event, and events ready to be sent.

An ID says how much its reader has received: `12` means everything up to the job's version 12, and
`12-7` everything before version 12 plus the files that changed with it, up to position 7. A reader
that sends its last ID continues after it, and gets what changed twice meanwhile only once, in its
latest state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ID = re.compile(r"(?P<version>[0-9]{1,18})(?:-(?P<position>[0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class EventId:
    """What a reader has received: all of the job's `version`, or its files up to `position`."""

    version: int = 0
    position: int | None = None

    def covers(self, version: int) -> bool:
        """Return whether the reader has received all of that version."""
        return (self.version, self.position is None) >= (version, True)

    @property
    def behind(self) -> tuple[int, int]:
        """Return the position after which the next files come, as the job store takes it."""
        if self.position is None:
            return self.version + 1, -1
        return self.version, self.position

    def __str__(self) -> str:
        """Return the ID as it is sent."""
        return f"{self.version}" if self.position is None else f"{self.version}-{self.position}"


def parse_event_id(last_event_id: str | None, version: int) -> EventId:
    """Parse Last-Event-ID. An ID that is not this job's means that nothing was received."""
    found = _ID.fullmatch(last_event_id or "")
    if found is None or int(found["version"]) > version:
        return EventId()
    position = found["position"]
    return EventId(int(found["version"]), None if position is None else int(position))


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """The status event of a job's version; after an `is_end` no other follows.

    `parts` are the events of complete parts of a split archive, each with the job's version then.
    """

    job_id: int
    version: int
    text: bytes
    is_end: bool
    parts: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class FilesEvent:
    """The event of the files that changed after `told`, up to a version; no text if none did."""

    told: EventId
    up_to: int
    text: bytes
    then: EventId
    has_more: bool
