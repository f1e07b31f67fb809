"""The state of every file of one archive: the one account that all threads share.

Owns the lengths, which files are open, done or failed, the progress, what the last checkpoint
recorded, and which bytes must not be overwritten yet. Nothing else holds any of that.

    waiting ---> open ---> whole ---> done
       |           |       (its body is the archive's,
       +-----------+--> failed  but not all of it is written)

A checkpoint is one `cut()`: it puts each file in at most one of its lists. A whole body in its
place counts as open until it is done. Three threads meet here, under one lock: the transfer loop
opens, hands over and fails, the writer reports what is done, the job's thread cuts. The lock is
taken per file and per checkpoint, never per piece of a body.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from heapq import nsmallest
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from packmule.assembly.done_entries import DoneEntries
from packmule.assembly.pace import Pace
from packmule.jobs.model import MOST_WAITING, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packmule.errors import Failure, WarningCode
    from packmule.jobs.model import (
        DoneEntry,
        FailedEntry,
        OpenEntry,
        Remembered,
        WaitingFile,
        WrittenSegment,
    )

_next_attempt = attrgetter("next_attempt_at")


class FileUnderWay(Protocol):
    """A file whose body is under way."""

    @property
    def held(self) -> int:
        """Return how many bytes of the body are held (any thread)."""

    def rest(self) -> None:
        """Hold little memory from now on."""

    def let_go(self) -> None:
        """Discard what is held of the body."""

    def fail(self, failure: Failure) -> None:
        """Record that the file has failed for good, and discard what is held of its body."""


class WrittenBody(Protocol):
    """A body that is being written to its place."""

    def written(self, version: int) -> tuple[WrittenSegment, ...]:
        """Return which bytes of that version are on disk (any thread).

        In order and apart from one another; the first begins at 0, and may be empty.
        """


class Mark(NamedTuple):
    """Which version of which open file fills which place."""

    position: int
    offset: int
    version: int


class Hold:
    """Bytes that the last checkpoint claims: not to be overwritten until `released`."""

    __slots__ = ("released",)

    def __init__(self) -> None:
        self.released = False


@dataclass(slots=True)
class _Place:
    """A reserved place, and the body that fills it."""

    entry: OpenEntry
    body: WrittenBody
    claimed: bool
    version: int = 0
    hold: Hold | None = None


class _KeptBody:
    """The body of a failed file that keeps its place: nothing is added to it."""

    def __init__(self, entry: OpenEntry) -> None:
        self._written = entry.all_segments

    def written(self, _version: int) -> tuple[WrittenSegment, ...]:
        return self._written


@dataclass(frozen=True, slots=True)
class Cut:
    """What is certain at one moment; `done` and `failed` since the last cut that was recorded.

    `done_count` and `failed_count` are since the beginning. `open` are all places, those of failed
    files too; `kept` are the positions of those of which an earlier cut has told that they failed.
    `dropped` are failed files that have lost their places since the last one.
    """

    done: tuple[DoneEntry, ...]
    failed: tuple[FailedEntry, ...]
    open: tuple[tuple[Mark, OpenEntry], ...]
    done_count: int
    failed_count: int
    progress: Progress
    kept: frozenset[int] = frozenset()
    dropped: tuple[int, ...] = ()


class Ledger:
    """Holds the account of one archive of `files` files.

    `on_resolved` is called, by any thread, when every file is done or has failed.
    """

    def __init__(
        self, files: int, remembered: Remembered, *, on_resolved: Callable[[], None] = lambda: None
    ) -> None:
        self._lock = threading.Lock()
        self._on_resolved = on_resolved
        self._files = files
        self._done = DoneEntries(remembered.done)
        self._failed = list(remembered.failed)
        self._waiting: dict[int, WaitingFile] = {}
        self._open: dict[int, tuple[FileUnderWay, int | None]] = {}  # with its length
        failed = {entry.position for entry in self._failed}
        self._places = {
            entry.position: _Place(entry, _KeptBody(entry), claimed=True)
            for entry in remembered.open
            if entry.position in failed
        }
        self._kept = set(self._places)  # positions of failed files that keep their places
        self._dropped: list[int] = []
        self._in_flight: dict[int, int] = {}  # places of whole bodies that had none before
        self._whole = len(self._done)  # files whose bodies are the archive's, done ones included
        self._whole_bytes = sum(entry.size for entry in remembered.done)
        self._known_bytes = self._whole_bytes
        self._unknown = files - len(self._done) - len(self._failed)
        self._recorded = self._cut = (len(self._done), len(self._failed))
        self._forgotten: list[tuple[_Place, Hold]] = []
        self._pace = Pace()

    def __repr__(self) -> str:
        with self._lock:
            held = sum(place.hold is not None for place in self._places.values())
            return (
                f"<Ledger of {self._files}: {len(self._done)} done, {len(self._failed)} failed, "
                f"{len(self._open)} open, {len(self._places)} in place, {held} on hold, "
                f"recorded {self._recorded[0]}+{self._recorded[1]}>"
            )

    # The transfer loop's side.

    def opened(self, position: int, file: FileUnderWay, length: int | None) -> None:
        """Record that a body begins; `length` where the origin announced it."""
        with self._lock:
            before = self._open.get(position)
            known = None if before is None else before[1]
            if length is None:
                length = known
            elif known is None:
                self._unknown -= 1
                self._known_bytes += length
            else:
                self._known_bytes += length - known
            self._open[position] = (file, length)

    def postponed(self, file: WaitingFile) -> None:
        """Record that a file waits for its next try."""
        with self._lock:
            self._waiting[file.position] = file

    def resumed(self, position: int) -> None:
        """Record that a file's next try brings its body."""
        if self._waiting:
            with self._lock:
                self._waiting.pop(position, None)

    def placed(self, entry: OpenEntry, body: WrittenBody) -> None:
        """Record the place that was reserved for a body, with what is written in it already."""
        with self._lock:
            self._places[entry.position] = _Place(entry, body, claimed=entry.bytes_written > 0)

    def place_of(self, position: int) -> OpenEntry | None:
        """Return the place of an open file, as it was reserved; None where it has none."""
        with self._lock:
            place = self._places.get(position)
            return None if place is None else place.entry

    def begin_anew(self, entry: OpenEntry, version: int) -> Hold | None:
        """Record that another version fills a place that is there.

        Return the hold to wait for where a checkpoint may claim bytes of the one before.
        """
        with self._lock:
            place = self._places[entry.position]
            place.entry, place.version = entry, version
            place.hold = Hold() if place.claimed else None
            return place.hold

    def warned(self, position: int, warning: WarningCode) -> None:
        """Record what came in an open file's place, so that the next run knows it as well."""
        with self._lock:
            place = self._places.get(position)
            if place is not None:
                place.entry = replace(place.entry, warning=warning)

    def displaced(self, position: int) -> None:
        """Record that a file's body has no place any more."""
        with self._lock:
            self._places.pop(position, None)

    def in_flight(self, position: int, place: int) -> None:
        """Record the place that a whole body will be written to."""
        with self._lock:
            self._in_flight[position] = place

    def handed_over(self, position: int, length: int) -> bool:
        """Record that the archive has a whole body; return whether no other will come."""
        with self._lock:
            _, known = self._open.pop(position)
            if known is None:
                self._unknown -= 1
                self._known_bytes += length
            elif known != length:
                self._known_bytes += length - known
            self._whole += 1
            self._whole_bytes += length
            return self._whole + len(self._failed) >= self._files

    def failed(self, entry: FailedEntry, *, keeps: bool = False) -> bool:
        """Record that a file failed for good; return whether no other body will come.

        With `keeps` its place stays, with the bytes in it, which are all written.
        """
        with self._lock:
            _, length = self._open.pop(entry.position, (None, None))
            if keeps and entry.position in self._places:
                self._kept.add(entry.position)
            else:
                self._places.pop(entry.position, None)
            self._waiting.pop(entry.position, None)
            if length is None:
                self._unknown -= 1
            else:
                self._known_bytes -= length
            self._failed.append(entry)
            is_last = self._whole + len(self._failed) >= self._files
            resolved = self._is_resolved()
        if resolved:
            self._on_resolved()
        return is_last

    # The writer's side.

    def done(self, entries: Sequence[DoneEntry]) -> None:
        """Record files whose last byte has been written."""
        with self._lock:
            self._done.extend(entries)
            if self._in_flight:
                for entry in entries:
                    self._in_flight.pop(entry.position, None)
            if self._places:
                for entry in entries:
                    self._places.pop(entry.position, None)
            resolved = self._is_resolved()
        if resolved:
            self._on_resolved()

    def _is_resolved(self) -> bool:
        return len(self._done) + len(self._failed) >= self._files

    # The job's side.

    @property
    def is_resolved(self) -> bool:
        """Whether every file is done or has failed."""
        with self._lock:
            return self._is_resolved()

    @property
    def done_entries(self) -> DoneEntries:
        """The files that are done, once every file is resolved."""
        return self._done

    @property
    def failed_entries(self) -> tuple[FailedEntry, ...]:
        """The files that have failed."""
        with self._lock:
            return tuple(self._failed)

    @property
    def has_kept(self) -> bool:
        """Whether a failed file keeps its place."""
        return bool(self._kept)

    def drop_kept(self) -> None:
        """Drop the places of failed files."""
        with self._lock:
            for position in self._kept:
                del self._places[position]
            self._dropped += sorted(self._kept)
            self._kept.clear()

    def busy_places(self) -> tuple[int, ...]:
        """Return the places of files that are not done, those of kept files included."""
        with self._lock:
            return (
                *(place.entry.offset for place in self._places.values()),
                *self._in_flight.values(),
            )

    def unresolved(self) -> tuple[int, ...]:
        """Return the positions of the files that are neither done nor failed."""
        with self._lock:
            resolved = {entry.position for entry in self._done}
            resolved.update(entry.position for entry in self._failed)
        return tuple(position for position in range(self._files) if position not in resolved)

    def open_files(self) -> tuple[FileUnderWay, ...]:
        """Return the files whose bodies are under way."""
        with self._lock:
            return tuple(file for file, _ in self._open.values())

    def cut(self) -> Cut:
        """Return what is certain now; what it claims of a place must not be overwritten any more.

        Say `recorded` once it is durable, before the next one.
        """
        with self._lock:
            done, failed = self._recorded
            opened = tuple(_look(place) for place in self._places.values())
            self._forgotten = [
                (place, place.hold) for place in self._places.values() if place.hold is not None
            ]
            self._cut = (len(self._done), len(self._failed))
            new_failed = tuple(self._failed[failed:])
            kept = frozenset(self._kept.difference(one.position for one in new_failed))
            return Cut(
                self._done.since(done),
                new_failed,
                opened,
                *self._cut,
                self._progress(),
                kept,
                tuple(self._dropped),
            )

    def recorded(self) -> bool:
        """Record that the last cut is durable; return whether somebody waited for that."""
        with self._lock:
            self._recorded = self._cut
            self._dropped = []
            self._done.settle(self._recorded[0])
            released, self._forgotten = self._forgotten, []
            for place, hold in released:
                hold.released = True
                if place.hold is hold:  # else the file started over once more: that hold is newer
                    place.hold = None
            return bool(released)

    def progress(self) -> Progress:
        """Return how far the archive is."""
        with self._lock:
            return self._progress()

    def _expected(self, held: int) -> int | None:
        """Estimate all bytes while some lengths are unknown: such files are as long as others."""
        known = self._files - len(self._failed) - self._unknown
        if self._unknown <= 0 or known <= 0:
            return None
        return max(self._known_bytes + self._unknown * self._known_bytes // known, held)

    def _progress(self) -> Progress:
        held = self._whole_bytes + sum(file.held for file, _ in self._open.values())
        return Progress(
            files_total=self._files,
            files_done=len(self._done),
            files_failed=len(self._failed),
            bytes_done=held,
            bytes_total=self._known_bytes if self._unknown <= 0 else None,
            bytes_expected=self._expected(held),
            bytes_per_second=self._pace.at(held, time.monotonic()),
            waiting=tuple(nsmallest(MOST_WAITING, self._waiting.values(), key=_next_attempt)),
            files_open=sum(position not in self._waiting for position in self._open),
        )


def _look(place: _Place) -> tuple[Mark, OpenEntry]:
    """Return the record of a place as it is now, which a checkpoint is about to claim."""
    place.claimed = True
    entry = place.entry
    first, *others = place.body.written(place.version)
    mark = Mark(entry.position, entry.offset, place.version)
    return mark, replace(entry, written=first.written, crc=first.crc, segments=tuple(others))
