"""The end of an archive: its holes closed, its central directory written and read back.

Owns the last step before publishing. An archive without holes is finished in its own file. One with
holes is copied without them to a second file, so that a kill in the middle leaves every checkpoint
true; within the kernel, and rare: only entries that failed after a part leave holes. What is read
back is compared with what was written, which costs a millisecond; a full check reads every file.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

from packmule.assembly.disk.disk_file import DiskFile
from packmule.errors import StorageFailed
from packmule.zipformat.layout import Entry, Move, central_directory, closing_moves
from packmule.zipformat.records import FormatError
from packmule.zipformat.verifying import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from packmule.assembly.done_entries import DoneEntries
    from packmule.assembly.own_entry import OwnEntry
    from packmule.jobs.model import DoneEntry
    from packmule.zipformat.reading import Read

MARKER_32 = 0xFFFFFFFF


def finish(
    file: DiskFile,
    done: DoneEntries,
    own: Sequence[OwnEntry] = (),
    *,
    read_back: bool = False,
) -> tuple[Path, int]:
    """Finish the archive of these entries; give the finished file's path and length in bytes.

    `own` become the last entries; `read_back` has every file read again and checked against
    its CRC-32. Raises DiskFull, or StorageFailed where what is read is not what was written.
    """
    moves, entries, end = closed(done)
    if not moves:
        return file.path, _write_end(file, entries, end, own, read_back=read_back)
    target = DiskFile(file.path.with_name(f"{file.path.name}.closed"), file.reserve)
    try:
        first = min(move.target for move in moves)
        target.truncate(0)
        if first:
            target.copy_range(file, 0, first, 0)
        for move in moves:
            target.copy_range(file, move.source, move.length, move.target)
        return target.path, _write_end(target, entries, end, own, read_back=read_back)
    except BaseException:
        # It takes as much of the disk as the archive, and nobody will read it.
        target.path.unlink(missing_ok=True)
        raise
    finally:
        target.close()


def closed(done: DoneEntries) -> tuple[list[Move], Iterable[Entry], int]:
    """Return how to close all holes: the moves, the entries where they then lie, the bodies' end.

    The entries are in the caller's order, and can be read once.
    """
    if (end := _end_without_holes(done)) is not None:
        return [], map(as_entry, done.by_position()), end
    moves, entries = closing_moves([as_entry(one) for one in done.by_position()])
    return moves, entries, max(entry.end for entry in entries)


def _end_without_holes(done: DoneEntries) -> int | None:
    """Return where the last body ends if every byte up to there is of an entry, else None."""
    end = 0
    for one in done.by_offset():
        if one.offset != end:
            return None
        end = as_entry(one).end
    return end


def _write_end(
    file: DiskFile,
    entries: Iterable[Entry],
    end: int,
    own: Sequence[OwnEntry],
    *,
    read_back: bool,
) -> int:
    """Write what follows the bodies, which end at `end`, and check it; give the archive's length.

    `entries` are in the caller's order, and are read once.
    """
    count = 0

    def counted() -> Iterator[Entry]:
        nonlocal count
        for entry in entries:
            count += 1
            yield entry

    at = end
    written: list[tuple[int, int]] = []
    for piece in end_pieces(counted(), end, own):
        file.write(piece, at)
        written.append((len(piece), crc32(piece)))
        at += len(piece)
    file.truncate(at)
    _check_end(file, written, end, at)
    if read_back:
        check_all(file.read, at, count + len(own))
    return at


def end_pieces(entries: Iterable[Entry], end: int, own: Sequence[OwnEntry]) -> Iterator[bytes]:
    """Yield what follows the files' bodies, which end at `end`: our own entries, the directory."""
    added = []
    for one in own:
        entry = one.entry(end)
        yield entry.local_header()
        yield one.body
        added.append(entry)
        end = entry.end
    yield from central_directory(chain(entries, added), end)


def _check_end(file: DiskFile, written: list[tuple[int, int]], start: int, end: int) -> None:
    """Read the end again; `written` has the length of each piece and its CRC-32."""
    at = start
    for length, crc in written:
        piece = file.read(at, length)
        if len(piece) != length or crc32(piece) != crc:
            raise StorageFailed(
                f"what was read back of the central directory at byte {at:,} is not what was "
                "written: look at the disk's health, then retry"
            )
        at += length
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
            "Look at the disk's health, then create the archive again"
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
