"""Checkpoints added up in memory, as a job store would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.jobs.model import DoneEntry, FailedEntry, OpenEntry, Remembered

if TYPE_CHECKING:
    from packmule.jobs.model import Checkpoint, Part


class Memory:
    """What a job's checkpoints say together."""

    def __init__(self) -> None:
        self._tail = self._begun = 0
        self._upload: str | None = None
        self._entries: dict[int, DoneEntry | OpenEntry | FailedEntry] = {}
        self._parts: dict[int, Part] = {}

    def record(self, checkpoint: Checkpoint) -> None:
        """Add a checkpoint."""
        self._tail = checkpoint.tail
        for position in checkpoint.forgotten:
            del self._entries[position]
        self._entries.update((entry.position, entry) for entry in checkpoint.open)
        self._entries.update((entry.position, entry) for entry in checkpoint.done)
        self._entries.update((entry.position, entry) for entry in checkpoint.failed)
        if checkpoint.uploads is not None:
            self._upload, self._begun = checkpoint.uploads.upload, checkpoint.uploads.begun
            for number in checkpoint.uploads.lost:
                self._parts.pop(number, None)
            self._parts |= {part.number: part for part in checkpoint.uploads.parts}

    def remembered(self) -> Remembered:
        """Give the sum."""
        entries = [self._entries[position] for position in sorted(self._entries)]
        return Remembered(
            self._tail,
            tuple(entry for entry in entries if isinstance(entry, DoneEntry)),
            tuple(entry for entry in entries if isinstance(entry, OpenEntry)),
            tuple(entry for entry in entries if isinstance(entry, FailedEntry)),
            self._upload,
            self._begun,
            tuple(self._parts[number] for number in sorted(self._parts)),
        )
