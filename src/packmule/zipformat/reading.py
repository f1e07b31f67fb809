"""Finding an archive's entries from its end: the end records and the central directory.

Owns which record is believed where they differ, and archives that something was put before. Leaves
judging what was found to `verifying`, reading bytes to whoever calls: `read(at, length)` gives
fewer bytes only at the end. Law: APPNOTE 4.3.6, 4.3.12 to 4.3.16, 4.4.1.4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from packmule.zipformat.records import (
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


@dataclass(frozen=True, slots=True)
class Directory:
    """A central directory: its bytes are `start` up to `stop`, the end records up to `end`.

    `stop` is where its last header ends, `records` where the end records begin. `shift` is what
    must be added to every offset: the bytes that something put before the archive has.
    """

    headers: tuple[CentralHeader, ...]
    places: tuple[int, ...]
    start: int
    stop: int
    records: int
    end: int
    shift: int
    announced: int
    comment: bytes


def read_directory(read: Read, size: int) -> Directory:
    """Read the directory of an archive of `size` bytes; FormatError where there is none to read."""
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
    start = offset + shift
    data = read(start, length)
    headers, places = [], []
    used = 0
    while used + 4 <= len(data) and data[used : used + 4] == _CENTRAL_MARK:
        header = CentralHeader.unpack(data, used)
        headers.append(header)
        places.append(start + used)
        used += header.packed_size
    return Directory(
        tuple(headers), tuple(places), start, start + used, records,
        at + END.size + len(end.comment), shift, entries, end.comment,
    )  # fmt: skip


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
