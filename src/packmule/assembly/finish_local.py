"""The end of an archive: its holes closed, its central directory written and read back.

Owns the last step before publishing. An archive without holes is finished in its own file. One with
holes is copied without them to a second file, so that a kill in the middle leaves every checkpoint
true; within the kernel, and rare: only entries that failed after a part leave holes. What is read
back is compared with what was written, which costs a millisecond; a full check reads every file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.disk.disk_file import DiskFile
from packmule.errors import StorageFailed
from packmule.zipformat.layout import Entry, central_directory, closing_moves
from packmule.zipformat.records import FormatError
from packmule.zipformat.verifying import verify

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from packmule.assembly.missing import MissingReport
    from packmule.jobs.model import DoneEntry
    from packmule.zipformat.reading import Read

MARKER_32 = 0xFFFFFFFF


def finish(
    file: DiskFile,
    done: Iterable[DoneEntry],
    missing: MissingReport | None = None,
    *,
    read_back: bool = False,
) -> tuple[Path, int]:
    """Finish the archive of these entries; give the finished file's path and length in bytes.

    `missing` becomes the last entry; `read_back` has every file read again and checked against
    its CRC-32. Raises DiskFull, or StorageFailed where what is read is not what was written.
    """
    entries = [as_entry(one) for one in sorted(done)]
    moves, closed = closing_moves(entries)
    if not moves:
        return file.path, _write_end(file, closed, missing, read_back=read_back)
    target = DiskFile(file.path.with_name(f"{file.path.name}.closed"), file.reserve)
    try:
        first = min(move.target for move in moves)
        target.truncate(0)
        if first:
            target.copy_range(file, 0, first, 0)
        for move in moves:
            target.copy_range(file, move.source, move.length, move.target)
        return target.path, _write_end(target, closed, missing, read_back=read_back)
    except BaseException:
        # It takes as much of the disk as the archive, and nobody will read it.
        target.path.unlink(missing_ok=True)
        raise
    finally:
        target.close()


def _write_end(
    file: DiskFile, entries: list[Entry], missing: MissingReport | None, *, read_back: bool
) -> int:
    """Write what follows the bodies, and check it; give the archive's length."""
    start = max((entry.end for entry in entries), default=0)
    pieces = []
    directory = start
    if missing is not None:
        entry = missing.entry(start)
        entries = [*entries, entry]
        pieces = [entry.local_header(), missing.body]
        directory = entry.end
    pieces += central_directory(entries, directory)
    at = start
    for piece in pieces:
        file.write(piece, at)
        at += len(piece)
    file.truncate(at)
    _check_end(file, pieces, start, at)
    if read_back:
        check_all(file.read, at, len(entries))
    return at


def _check_end(file: DiskFile, pieces: list[bytes], start: int, end: int) -> None:
    at = start
    for piece in pieces:
        if file.read(at, len(piece)) != piece:
            raise StorageFailed(
                f"what was read back of the central directory at byte {at:,} is not what was "
                "written: look at the disk's health, then retry"
            )
        at += len(piece)
    if file.size() != end:
        raise StorageFailed(f"the archive is {file.size():,} bytes long instead of {end:,}")


def check_all(read: Read, size: int, entries: int) -> None:
    """Read every file of an archive again, and check it. Raises StorageFailed."""
    try:
        report = verify(read, size, most_entries=entries)
    except FormatError as error:
        raise StorageFailed(f"the archive could not be read back: {error}") from error
    if report.faults or report.entries != entries:
        first = f": {report.faults[0].name}: {report.faults[0].detail}" if report.faults else ""
        raise StorageFailed(
            f"the archive read back is not what was written, {len(report.faults)} faults{first}. "
            "Look at the disk's health, then create the archive anew"
        )


def as_entry(one: DoneEntry) -> Entry:
    """Return the entry in the words of the format."""
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
