"""Finding an archive's entries from its end: the end records and the central directory.

Owns which record is believed where they differ, and archives that something was put before. Leaves
judging what was found to `verifying`, reading bytes to whoever calls: `read(at, length)` gives
fewer bytes only at the end. Law: APPNOTE 4.3.6, 4.3.12 to 4.3.16, 4.4.1.4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from packmule.zipformat.records import (
    CENTRAL,
    CENTRAL_SIGNATURE,
    END,
    END_SIGNATURE,
    MARKER_16,
    MARKER_32,
    ZIP64_END,
    ZIP64_LOCATOR,
    ZIP64_LOCATOR_SIGNATURE,
    CentralHeader,
    EndOfCentralDirectory,
    FormatError,
    Zip64EndOfCentralDirectory,
    Zip64Locator,
)

Read = Callable[[int, int], bytes]

_END_MARK: Final = END_SIGNATURE.to_bytes(4, "little")
_LOCATOR_MARK: Final = ZIP64_LOCATOR_SIGNATURE.to_bytes(4, "little")
_CENTRAL_MARK: Final = CENTRAL_SIGNATURE.to_bytes(4, "little")

# A name, an extra block and a comment are 64 KiB each at most.
LONGEST_HEADER: Final = CENTRAL.size + 3 * MARKER_16
"""Bytes of the longest central header."""

_WINDOW: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Directory:
    """A central directory: `length` bytes from `start` on, the end records up to `end`.

    `records` is where the end records begin. `shift` is what must be added to every offset: the
    bytes that something put before the archive has. `announced` counts its entries, by its own
    word. The headers are read by `read_headers`.
    """

    start: int
    length: int
    records: int
    end: int
    shift: int
    announced: int
    comment: bytes


def read_directory(read: Read, size: int) -> Directory:
    """Find the directory of an archive of `size` bytes; FormatError where there is none to read."""
    at, end = _end_record(read, size)
    records, entries, length, offset = at, end.entries, end.directory_size, end.directory_offset
    wide = _zip64_record(read, at)
    if wide is not None:
        records, found = wide
        entries, length, offset = found.entries, found.directory_size, found.directory_offset
    elif MARKER_32 in {length, offset}:
        raise FormatError(
            f"end of central directory at byte {at}: leaves to zip64 what is not there"
        )
    shift = 0
    if entries and read(offset, 4) != _CENTRAL_MARK:
        shift = records - length - offset
    if shift < 0 or offset + shift + length > records:
        raise FormatError(
            f"end of central directory at byte {at}: says that the directory is {length:,} bytes "
            f"from byte {offset:,} on, which is not before it"
        )
    return Directory(
        offset + shift, length, records, at + END.size + len(end.comment), shift, entries,
        end.comment,
    )  # fmt: skip


def read_headers(read: Read, directory: Directory) -> Iterator[tuple[int, CentralHeader]]:
    """Read the headers of a directory one after the other, each with the byte it begins at.

    Ends where no header follows. Takes the memory of a window, however long the directory is.
    Raises FormatError.
    """
    window, base = b"", directory.start
    used = 0
    stop = directory.start + directory.length
    while True:
        behind = base + len(window)
        if len(window) - used < LONGEST_HEADER and behind < stop:
            more = read(behind, min(_WINDOW, stop - behind))
            stop = stop if more else behind
            window, base, used = window[used:] + more, base + used, 0
        if window[used : used + 4] != _CENTRAL_MARK:
            return
        header = CentralHeader.unpack(window, used)
        yield base + used, header
        used += header.packed_size


def _end_record(read: Read, size: int) -> tuple[int, EndOfCentralDirectory]:
    """Find the last record: the last one whose comment does not run over the end."""
    begin = max(0, size - END.size - MARKER_16)
    tail = read(begin, size - begin)
    at = len(tail)
    while (at := tail.rfind(_END_MARK, 0, at)) >= 0:
        try:
            return begin + at, EndOfCentralDirectory.unpack(tail, at)
        except FormatError:
            continue
    raise FormatError("there is no end of central directory: this is no ZIP archive, or its end is "
                      "cut off")  # fmt: skip


def _zip64_record(read: Read, end: int) -> tuple[int, Zip64EndOfCentralDirectory] | None:
    """Find the zip64 end record by its locator, which stands right before the end record."""
    before = end - ZIP64_LOCATOR.size
    if before < 0 or read(before, 4) != _LOCATOR_MARK:
        return None
    locator = Zip64Locator.unpack(read(before, ZIP64_LOCATOR.size))
    for at in (locator.offset, before - ZIP64_END.size):  # the second: something was put before
        if 0 <= at <= before - ZIP64_END.size:
            try:
                return at, Zip64EndOfCentralDirectory.unpack(read(at, ZIP64_END.size))
            except FormatError:
                continue
    raise FormatError(f"zip64 locator at byte {before}: no zip64 end record where it points")
