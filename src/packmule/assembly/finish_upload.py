"""The end of an archive that was uploaded while it was assembled.

Owns the order of its last steps: all cells are uploaded, then the end (our own entries, the central
directory), then the object is made and read back. Leaves the plan to `part_plan`, the parts of the
end, and closing holes, to `upload/end_parts`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from packmule.assembly.finish_local import check_all, closed, end_pieces
from packmule.assembly.manifest.archive_manifest import own_count
from packmule.assembly.upload.end_parts import move, send_rest
from packmule.assembly.upload.final_layout import FinalLayout
from packmule.assembly.upload.window import WINDOW_BYTES, Window
from packmule.errors import StorageAway, StorageFailed
from packmule.jobs.model import Manifest
from packmule.zipformat.reading import read_directory, read_headers
from packmule.zipformat.records import MARKER_32, FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.assembly.assembly import Assembly
    from packmule.assembly.run import StopSignal
    from packmule.jobs.model import Checkpoint, DoneEntry, Remembered
    from packmule.storage.interface import StoredArchive
    from packmule.zipformat.reading import Read
    from packmule.zipformat.records import CentralHeader

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.25


class StopAsked(Exception):
    """The run is to end now; all that it has is recorded."""


def finish_upload(
    assembly: Assembly,
    record: Callable[[Checkpoint], None],
    check: Callable[[], None],
    stop: StopSignal,
) -> StoredArchive:
    """Upload the rest, and make the archive of all parts, once every source is resolved.

    Raises what `record` and `check` raise, StopAsked, StorageFailed, DiskFull.
    """
    sender = assembly.sender
    assert sender is not None  # noqa: S101 - asked by who has looked
    file, stream = assembly.scratch.file, sender.stream

    def checkpoint() -> None:
        record(assembly.checkpoint())
        assembly.recorded()

    def drain() -> None:
        checkpoint()
        while not sender.is_drained:
            check()
            if stop.is_set():
                raise StopAsked
            assembly.wait(_LOOK_EVERY)
            checkpoint()
            if assembly.error is not None:
                raise assembly.error

    drain()
    entries, end = _end(assembly)
    plan = sender.part_plan
    cell = plan.cell or 1
    end_at = -(-assembly.tail // cell) * cell  # in no cell that may be given back
    file.write(end, end_at)
    layout = FinalLayout(assembly.ledger.done_entries, (end_at, end_at + len(end)), cell)
    watch = watcher(check, stop)
    sealed = sender.sealed()
    if sealed is None:
        stored = sender.stored()
        if not layout.can_follow(plan.parts, stored):
            # Every byte has to be in the object that the storage is to copy from.
            numbers = {*layout.scratch_numbers, *sender.of_other_size(stored)}
            file.truncate(max(file.size(), max(numbers) * cell))
            plan.plan_all(numbers)
            drain()
            stored = sender.begin_sealing()
            checkpoint()
            sealed = sender.seal(stored)
    if sealed is None:
        etags = send_rest(sender, layout, file, watch)
    else:
        etags = move(sender, sealed, layout, file, watch)
    archive = stream.publish(sender.upload or "", etags, layout.size)
    # What goes wrong from here on leaves the object where it is: the next attempt may have taken it
    # for the archive by now. It looks at it with `holds_recorded` before it does.
    _read_back(archive, end, entries, watch, full=assembly.limits.read_back)
    return archive


def watcher(check: Callable[[], None], stop: StopSignal) -> Callable[[], None]:
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
    manifest: Manifest = Manifest.NONE,
    full: bool,
) -> bool:
    """Return whether an archive that an earlier attempt published is what was recorded last.

    Its end need not have been read back: that attempt may have been killed before it could. Or it
    may have been frozen, and have published what others have since recorded otherwise. Raises
    StorageAway, and what `watch` raises.
    """
    done = sorted(remembered.done)
    count = len(done) + own_count(manifest, any_failed=bool(remembered.failed))
    try:
        reader = archive.bytes.open()
        try:
            window = Window(reader, archive.size, watch)
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


def _end(assembly: Assembly) -> tuple[int, bytes]:
    """Return the number of entries, and what follows the last file's body."""
    done, own = assembly.ledger.done_entries, assembly.own_entries()
    _, entries, start = closed(done)
    return len(done) + len(own), b"".join(end_pieces(entries, start, own))


def _read_back(
    archive: StoredArchive, end: bytes, entries: int, watch: Callable[[], None], *, full: bool
) -> None:
    """Compare what the storage has with what was sent: the end of it, or every file."""
    reader = archive.bytes.open()
    try:
        window = Window(reader, archive.size, watch)
        start = archive.size - len(end)
        for at in range(0, len(end), WINDOW_BYTES):
            piece = end[at : at + WINDOW_BYTES]
            if window.read(start + at, len(piece)) != piece:
                raise StorageFailed(
                    f"what the storage has of the central directory at byte {start + at:,} is not "
                    "what was sent: look at its health, then retry"
                )
        if full:
            check_all(window.read, archive.size, entries)
    finally:
        reader.close()
