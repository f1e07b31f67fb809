"""The end of an archive that was uploaded while it was assembled.

Owns the last part (what was too little for one, the report of what is missing, the central
directory), the making of the object, and the reading back. Leaves the plan to `part_plan`. Holes
need no closing: what is in no part is not in the archive.
"""

from __future__ import annotations

import contextlib
import logging
from bisect import bisect_right
from concurrent.futures import TimeoutError as NotYet
from typing import TYPE_CHECKING

from packmule.assembly.finish_local import as_entry, check_all
from packmule.errors import StorageAway, StorageFailed
from packmule.zipformat.layout import central_directory
from packmule.zipformat.reading import read_directory, read_headers
from packmule.zipformat.records import MARKER_32, FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from packmule.assembly.assembly import Assembly
    from packmule.assembly.upload.part_plan import PartPlan
    from packmule.jobs.model import Checkpoint, DoneEntry, Part, Remembered
    from packmule.storage.interface import Reader, StoredArchive
    from packmule.zipformat.reading import Read
    from packmule.zipformat.records import CentralHeader

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.25
_WINDOW_BYTES = 4 * 1024 * 1024


class StopAsked(Exception):
    """The run is to end now; all that it has is recorded."""


def finish_upload(
    assembly: Assembly,
    record: Callable[[Checkpoint], None],
    check: Callable[[], None],
    stop: Event,
) -> StoredArchive:
    """Upload the rest, and make the archive of all parts, once every source is resolved.

    Raises what `record` and `check` raise, StopAsked, StorageFailed, DiskFull.
    """
    sender = assembly.sender
    assert sender is not None  # noqa: S101 - asked by who has looked
    plan = sender.part_plan

    def checkpoint() -> None:
        record(assembly.checkpoint())
        assembly.recorded()

    rest = plan.rest()
    entries, end, base = _end(assembly, plan)
    tail = assembly.tail
    assembly.scratch.file.write(end, tail)
    number = plan.begin_last()
    checkpoint()
    extents = [*rest, (tail, tail + len(end))]
    last = sender.send_last(number, extents)
    etag = None
    while etag is None or not sender.is_drained:
        check()
        if stop.is_set():
            checkpoint()
            raise StopAsked
        with contextlib.suppress(NotYet):
            etag = last.result(_LOOK_EVERY)
        if not sender.is_drained:
            assembly.wait(_LOOK_EVERY)
            checkpoint()
        if assembly.error is not None:
            raise assembly.error
    size = base + sum(stop - start for start, stop in extents)
    etags = {part.number: part.etag or "" for part in plan.parts.values()} | {number: etag}
    archive = sender.stream.publish(sender.upload or "", etags, size)
    # What goes wrong from here on leaves the object where it is: the next attempt may have taken it
    # for the archive by now. It looks at it with `holds_recorded` before it does.
    _read_back(archive, end, entries, watcher(check, stop), full=assembly.limits.read_back)
    return archive


def watcher(check: Callable[[], None], stop: Event) -> Callable[[], None]:
    """Return what ends a long look at an archive where the run is lost, or asked to stop."""

    def watch() -> None:
        check()
        if stop.is_set():
            raise StopAsked

    return watch


def holds_recorded(
    archive: StoredArchive,
    remembered: Remembered,
    watch: Callable[[], None],
    *,
    full: bool,
) -> bool:
    """Return whether an archive that an earlier attempt published is what was recorded last.

    Its end need not have been read back: that attempt may have been killed before it could. Or it
    may have been frozen, and have published what others have since recorded otherwise. Raises
    StorageAway, and what `watch` raises.
    """
    done = sorted(remembered.done)
    count = len(done) + bool(remembered.failed)
    try:
        reader = archive.bytes.open()
        try:
            window = _Window(reader, archive.size, watch)
            if not _lists(window.read, archive.size, done, count):
                return False
            if full:
                check_all(window.read, archive.size, count)
        finally:
            reader.close()
    except StorageAway:
        raise
    except (StorageFailed, FormatError) as error:
        _log.warning("published archive rejected reason=%s", error)
        return False
    return True


def _lists(read: Read, size: int, done: list[DoneEntry], count: int) -> bool:
    """Return whether the directory has so many entries, the recorded ones first."""
    found = 0
    for _, header in read_headers(read, read_directory(read, size)):
        if found >= count or (found < len(done) and not _is_of(header, done[found])):
            return False
        found += 1
    return found == count


def _is_of(header: CentralHeader, entry: DoneEntry) -> bool:
    """Return whether a line of the directory is that of a recorded entry."""
    return (header.name, header.method, header.crc) == (
        entry.name.encode(),
        entry.method,
        entry.crc,
    ) and header.size in (entry.size, MARKER_32)


def _end(assembly: Assembly, plan: PartPlan) -> tuple[int, bytes, int]:
    """Return the number of entries, what follows them, and where the last part begins."""
    done = sorted(assembly.ledger.done_entries)
    rest = plan.rest()
    places = ArchiveOffsets(plan.parts.values(), rest)
    entries = [as_entry(one)._replace(offset=places.find(one.offset)) for one in done]
    start = places.last + sum(stop - start for start, stop in rest)
    pieces = []
    missing = assembly.missing()
    if missing is not None:
        entry = missing.entry(start)
        entries = [*entries, entry]
        pieces = [entry.local_header(), missing.body]
        start = entry.end
    pieces += central_directory(entries, start)
    return len(entries), b"".join(pieces), places.last


class ArchiveOffsets:
    """Where bytes of the scratch are in the archive; `last` is where its last part begins."""

    def __init__(self, parts: Iterable[Part], rest: Iterable[tuple[int, int]]) -> None:
        found = []
        at = 0
        for part in sorted(parts):
            for start, stop in part.extents:
                found.append((start, at))
                at += stop - start
        self.last = at
        for start, stop in rest:
            found.append((start, at))
            at += stop - start
        found.sort()
        self._starts = [start for start, _ in found]
        self._places = [place for _, place in found]

    def find(self, offset: int) -> int:
        """Return where a byte is that is in a part, or in the rest."""
        at = bisect_right(self._starts, offset) - 1
        return self._places[at] + offset - self._starts[at]


def _read_back(
    archive: StoredArchive, end: bytes, entries: int, watch: Callable[[], None], *, full: bool
) -> None:
    """Compare what the storage has with what was sent: the end of it, or every file."""
    reader = archive.bytes.open()
    try:
        window = _Window(reader, archive.size, watch)
        start = archive.size - len(end)
        for at in range(0, len(end), _WINDOW_BYTES):
            piece = end[at : at + _WINDOW_BYTES]
            if window.read(start + at, len(piece)) != piece:
                raise StorageFailed(
                    f"what the storage has of the central directory at byte {start + at:,} is not "
                    "what was sent: look at its health, then retry"
                )
        if full:
            check_all(window.read, archive.size, entries)
    finally:
        reader.close()


class _Window:
    """Reads pieces that mostly follow one another, some megabytes at a time.

    `watch` is asked before each look at the storage: it raises where nobody waits any more.
    """

    def __init__(self, reader: Reader, size: int, watch: Callable[[], None]) -> None:
        self._reader = reader
        self._watch = watch
        self._size = size
        self._start = 0
        self._held = b""

    def read(self, offset: int, length: int) -> bytes:
        """Read a range; fewer bytes only where the archive ends."""
        at = offset - self._start
        if not 0 <= at <= at + length <= len(self._held):
            stop = min(self._size, offset + max(length, _WINDOW_BYTES))
            self._start, self._held, at = offset, self._fetch(offset, stop), 0
        return self._held[at : at + length]

    def _fetch(self, start: int, stop: int) -> bytes:
        self._watch()
        pieces = []
        while start < stop and (piece := self._reader.read(range(start, stop), stop - start)):
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)
