"""What has arrived of a download: its bytes on the disk, which they are, and reporting it.

Owns that what is counted was written, and that what is recorded stays. The transfers of a download
share it, in threads of their own or not. Which bytes they receive is decided in `segments.py`, and
which version is right in `versions.py`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from packmule.client.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.client.part_file import PartFile
    from packmule.client.segments import Ranges, Segment
    from packmule.client.versions import Version

LEAST_SEGMENT = 2_000_000
"""Bytes below which a connection of its own does not pay."""
RECORD_EVERY = 1.0
"""Seconds after which what has arrived is recorded: what a kill may cost."""


class Arrival:
    """What has arrived in an opened part file. `kept` is what an earlier run left, in bytes.

    `on_bytes` is called with the number of bytes that are there and the total, once at a time.
    """

    def __init__(
        self,
        part: PartFile,
        now: Callable[[], float],
        on_bytes: Callable[[int, int], None] | None,
    ) -> None:
        self._part = part
        self._now = now
        self._on_bytes = on_bytes
        self._reporting = threading.Lock()
        self._recording = threading.Lock()
        self._recorded_at = now()
        self.version: Version | None = part.held.version
        self.kept = part.held.count
        self.segments = self._divided(part.held.ranges)

    def begin(self, version: Version) -> None:
        """Prepare for another version, and drop what is there."""
        self.kept = 0
        self._part.begin(version)
        self.version = version
        self.segments = self._divided(())

    def forget(self) -> None:
        """Drop what is there, so that no later run resumes it."""
        self._part.forget()
        self.kept = 0
        self.version = None
        self.segments = self._divided(())

    def write(self, segment: Segment, piece: bytes) -> int | None:
        """Write what fits of a piece into a segment; return how many bytes that were.

        Returns None if nothing may be written any more.
        """
        written = self.segments.write(segment, piece, self._part.write)
        if self._now() - self._recorded_at >= RECORD_EVERY:
            self.record()
        return written

    def record(self) -> None:
        """Record what is there, for a run after a kill or a power cut."""
        with self._recording:
            if not self.segments.stopped:
                self._part.record(self.segments.held)
            self._recorded_at = self._now()

    def report(self) -> None:
        """Report to the caller how much is there."""
        if self._on_bytes is not None and self.version is not None:
            with self._reporting:
                self._on_bytes(self.segments.received, self.version.size)

    def stop(self) -> None:
        """Record what is there, and write nothing any more, whoever still tries."""
        self.segments.stop()
        with self._recording:
            self._part.record(self.segments.held)

    @property
    def is_whole(self) -> bool:
        """Return whether every byte is there."""
        return self.version is not None and self.segments.received == self.version.size

    def _divided(self, held: Ranges) -> Segments:
        size = 0 if self.version is None else self.version.size
        return Segments(size, held, LEAST_SEGMENT)
