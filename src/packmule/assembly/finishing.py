"""The end of an archive: its holes closed, its central directory written.

Owns the last step before publishing. An archive without holes is finished in its own file. One with
holes is copied without them to a second file, so that a kill in the middle leaves every checkpoint
true; within the kernel, and rare: only entries that failed after a part leave holes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.disk_file import DiskFile
from packmule.zipformat.layout import Entry, central_directory, closing_moves

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from packmule.jobs.model import DoneEntry

MARKER_32 = 0xFFFFFFFF


def finish(file: DiskFile, done: Iterable[DoneEntry]) -> tuple[Path, int]:
    """Finish the archive of these entries; give the finished file's path and length in bytes.

    Raises DiskFull or StorageFailed.
    """
    entries = [_entry(one) for one in sorted(done)]
    moves, closed = closing_moves(entries)
    if not moves:
        return file.path, _write_directory(file, closed)
    target = DiskFile(file.path.with_name(f"{file.path.name}.closed"))
    try:
        first = min(move.target for move in moves)
        target.truncate(0)
        if first:
            target.copy_range(file, 0, first, 0)
        for move in moves:
            target.copy_range(file, move.source, move.length, move.target)
        return target.path, _write_directory(target, closed)
    finally:
        target.close()


def _write_directory(file: DiskFile, entries: list[Entry]) -> int:
    at = start = max((entry.end for entry in entries), default=0)
    for piece in central_directory(entries, start):
        file.write(piece, at)
        at += len(piece)
    file.truncate(at)
    return at


def _entry(one: DoneEntry) -> Entry:
    return Entry(
        one.name.encode(),
        one.method,
        one.crc,
        one.compressed_size,
        one.size,
        one.offset,
        one.modified_at,
        max(one.size, one.compressed_size) >= MARKER_32,
    )
