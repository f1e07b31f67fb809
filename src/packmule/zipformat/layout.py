"""Where the entries of an archive lie, and the central directory that tells it.

Owns the entry as it ends up in the archive, the directory's bytes, the moves that close holes and
the check that there are none. Leaves moving the bytes to the caller: nothing here does I/O.
Law: APPNOTE 4.3.6 (overall format), 4.3.14 to 4.3.16 (end records), 4.4.1.4 (zip64).

    0                                              offset                       end
    [header][body] [header][body] ... [header][body][central headers][end records]
     entries by place, no byte between them          entries in the caller's order
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from packmule.zipformat.headers import (
    MADE_BY,
    ZIP64_VERSION,
    central_header,
    local_header,
    local_header_size,
)
from packmule.zipformat.records import (
    MARKER_16,
    MARKER_32,
    EndOfCentralDirectory,
    FormatError,
    Zip64EndOfCentralDirectory,
    Zip64Locator,
)

_CHUNK_BYTES: Final = 1 << 20


class Entry(NamedTuple):
    """One file in the archive, complete (a tuple, because one is made for every file).

    `name` is UTF-8, sizes and `offset` (of the local header) are bytes, `modified_at` is a POSIX
    second. `zip64_room` says that the local header was reserved with room for a zip64 field.
    """

    name: bytes
    method: int
    crc: int
    compressed_size: int
    size: int
    offset: int
    modified_at: int | None
    zip64_room: bool = False

    @property
    def header_size(self) -> int:
        """Return the local header's length in bytes."""
        return local_header_size(self.name, self.modified_at, zip64=self.zip64_room)

    @property
    def end(self) -> int:
        """Return the offset of the first byte after the body."""
        return self.offset + self.header_size + self.compressed_size

    def local_header(self) -> bytes:
        """Make the header that stands before the body."""
        return local_header(
            self.name,
            self.method,
            self.crc,
            self.compressed_size,
            self.size,
            self.modified_at,
            zip64=self.zip64_room,
        )


@dataclass(frozen=True, slots=True)
class Move:
    """Bytes to be moved down: `length` of them, from `source` to `target`, which is lower.

    The two may overlap: read a piece, write it, go on upwards.
    """

    source: int
    target: int
    length: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes from `start` up to `stop` that belong to no entry."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Bytes from `start` up to `stop` that the entry `name` shares with one before or with the end.

    Strict readers refuse it: it is how a small archive claims to hold petabytes.
    """

    start: int
    stop: int
    name: bytes


def central_directory(entries: Iterable[Entry], offset: int) -> Iterator[bytes]:
    """Yield the central directory and the end records, in pieces of about a MiB.

    `entries` are in the caller's order; `offset` is where the directory begins, in bytes.
    """
    pieces: list[bytes] = []
    pending = directory_size = count = 0
    for entry in entries:
        piece = central_header(
            entry.name,
            entry.method,
            entry.crc,
            entry.compressed_size,
            entry.size,
            entry.modified_at,
            offset=entry.offset,
        )
        pieces.append(piece)
        pending += len(piece)
        count += 1
        if pending >= _CHUNK_BYTES:
            yield b"".join(pieces)
            directory_size += pending
            pending = 0
            pieces.clear()
    pieces.append(end_records(count, directory_size + pending, offset))
    yield b"".join(pieces)


def end_records(entries: int, directory_size: int, directory_offset: int) -> bytes:
    """Return what ends an archive; zip64 only where a field of the plain record reaches its marker.

    65,535 entries would fit 16 bits, but there they are the marker and readers differ; so zip64
    begins at that number. Fields that fit keep their value: Java takes a plain value that differs
    from the zip64 record's as a sign that the latter is none of this archive.
    """
    end = EndOfCentralDirectory(
        min(entries, MARKER_16),
        min(directory_size, MARKER_32),
        min(directory_offset, MARKER_32),
    ).pack()
    fits = entries < MARKER_16 and max(directory_size, directory_offset) < MARKER_32
    if fits:
        return end
    wide = Zip64EndOfCentralDirectory(
        MADE_BY, ZIP64_VERSION, entries, directory_size, directory_offset
    )
    return wide.pack() + Zip64Locator(directory_offset + directory_size).pack() + end


def closing_moves(entries: Sequence[Entry]) -> tuple[list[Move], list[Entry]]:
    """Return how to close all holes: the moves, lowest first, and the entries where they then lie.

    The entries come back in the order they were given. Afterwards they fill the bytes from 0 up to
    the greatest `end`. Raises FormatError where two of them overlap: no move can fix that.
    """
    moves: list[Move] = []
    moved = list(entries)
    target = 0
    for index in sorted(range(len(moved)), key=lambda index: moved[index].offset):
        entry = moved[index]
        length = entry.end - entry.offset
        if entry.offset < target:
            raise FormatError(f"entry {entry.name!r} overlaps the one before it")
        if entry.offset > target:
            last = moves[-1] if moves else None
            if last and last.source + last.length == entry.offset:
                moves[-1] = replace(last, length=last.length + length)
            else:
                moves.append(Move(entry.offset, target, length))
            moved[index] = entry._replace(offset=target)
        target += length
    return moves, moved


def check(entries: Iterable[Entry], end: int) -> list[Gap | Overlap]:
    """Find what keeps the entries from filling the bytes from 0 up to `end` exactly once."""
    found: list[Gap | Overlap] = []
    at, name = 0, b""
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset > at:
            found.append(Gap(at, entry.offset))
        elif entry.offset < at:
            found.append(Overlap(entry.offset, min(at, entry.end), entry.name))
        if entry.end > at:
            at, name = entry.end, entry.name
    if at < end:
        found.append(Gap(at, end))
    elif at > end:
        found.append(Overlap(end, at, name))
    return found
