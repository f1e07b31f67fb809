"""The records of a ZIP archive, one frozen type each, and their bytes.

Owns the field tables: packing, and unpacking with an error that says which record is wrong and
where. Leaves to `extras` what stands in a header's extra block, to `headers` and `layout` which
values we write. Law: APPNOTE 6.3.10, the section named at each type; all numbers little-endian.

    [local header][body] ... [central header] ... [zip64 end][zip64 locator][end]
     4.3.7                    4.3.12               4.3.14     4.3.15         4.3.16
"""

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812  # named as the class it is
from typing import Any, Final, Self

Bytes = bytes | bytearray | memoryview

STORED: Final = 0
DEFLATED: Final = 8

UTF8_NAME: Final = 1 << 11  # general purpose bit 11: name is UTF-8, APPNOTE 4.4.4 and appendix D

MARKER_16: Final = 0xFFFF  # in a field: see the zip64 record, APPNOTE 4.4.1.4
MARKER_32: Final = 0xFFFF_FFFF

LOCAL_SIGNATURE: Final = 0x0403_4B50
CENTRAL_SIGNATURE: Final = 0x0201_4B50
END_SIGNATURE: Final = 0x0605_4B50
ZIP64_END_SIGNATURE: Final = 0x0606_4B50
ZIP64_LOCATOR_SIGNATURE: Final = 0x0706_4B50

LOCAL: Final = Struct(
    "<"
    "I"  #  0  signature
    "H"  #  4  version needed to extract
    "H"  #  6  general purpose flags
    "H"  #  8  compression method
    "I"  # 10  MS-DOS time (low half) and date (high half)
    "I"  # 14  CRC-32
    "I"  # 18  compressed size
    "I"  # 22  size
    "H"  # 26  length of name
    "H"  # 28  length of extra block
)
CENTRAL: Final = Struct(
    "<"
    "I"  #  0  signature
    "H"  #  4  version made by
    "H"  #  6  version needed to extract
    "H"  #  8  general purpose flags
    "H"  # 10  compression method
    "I"  # 12  MS-DOS time (low half) and date (high half)
    "I"  # 16  CRC-32
    "I"  # 20  compressed size
    "I"  # 24  size
    "H"  # 28  length of name
    "H"  # 30  length of extra block
    "H"  # 32  length of comment
    "H"  # 34  disk the local header is on
    "H"  # 36  internal attributes
    "I"  # 38  external attributes
    "I"  # 42  offset of the local header
)
END: Final = Struct(
    "<"
    "I"  #  0  signature
    "H"  #  4  this disk
    "H"  #  6  disk the central directory begins on
    "H"  #  8  entries on this disk
    "H"  # 10  entries
    "I"  # 12  size of the central directory
    "I"  # 16  offset of the central directory
    "H"  # 20  length of comment
)
ZIP64_END: Final = Struct(
    "<"
    "I"  #  0  signature
    "Q"  #  4  length of what follows this field
    "H"  # 12  version made by
    "H"  # 14  version needed to extract
    "I"  # 16  this disk
    "I"  # 20  disk the central directory begins on
    "Q"  # 24  entries on this disk
    "Q"  # 32  entries
    "Q"  # 40  size of the central directory
    "Q"  # 48  offset of the central directory
)
ZIP64_LOCATOR: Final = Struct(
    "<"
    "I"  #  0  signature
    "I"  #  4  disk the zip64 end record is on
    "Q"  #  8  offset of the zip64 end record
    "I"  # 16  number of disks
)
_ZIP64_END_BEFORE_LENGTH_COUNTS: Final = 12


class FormatError(ValueError):
    """These bytes are no such record, or these values do not fit one."""


@dataclass(frozen=True, slots=True)
class LocalHeader:
    """The record before an entry's body; APPNOTE 4.3.7."""

    version_needed: int
    flags: int
    method: int
    modified: int
    crc: int
    compressed_size: int
    size: int
    name: bytes
    extra: bytes = b""

    def pack(self) -> bytes:
        """Write the record; FormatError where a value does not fit."""
        # fmt: off
        head = _packed(
            LOCAL, "local header", LOCAL_SIGNATURE,
            self.version_needed, self.flags, self.method, self.modified,
            self.crc, self.compressed_size, self.size, len(self.name), len(self.extra),
        )
        # fmt: on
        return head + self.name + self.extra

    @classmethod
    def unpack(cls, data: Bytes, at: int = 0) -> Self:
        """Read the record that begins at `at`; FormatError where none does."""
        values = _unpacked(LOCAL, "local header", LOCAL_SIGNATURE, data, at)
        name, extra = _tails("local header", data, at + LOCAL.size, values[7:9])
        return cls(*(*values[:7], name, extra))

    @property
    def packed_size(self) -> int:
        """Return the record's length in bytes."""
        return LOCAL.size + len(self.name) + len(self.extra)


@dataclass(frozen=True, slots=True)
class CentralHeader:
    """An entry's line in the central directory; APPNOTE 4.3.12."""

    version_made_by: int
    version_needed: int
    flags: int
    method: int
    modified: int
    crc: int
    compressed_size: int
    size: int
    disk: int
    internal_attributes: int
    external_attributes: int
    offset: int
    name: bytes
    extra: bytes = b""
    comment: bytes = b""

    def pack(self) -> bytes:
        """Write the record; FormatError where a value does not fit."""
        # fmt: off
        head = _packed(
            CENTRAL, "central header", CENTRAL_SIGNATURE,
            self.version_made_by, self.version_needed, self.flags, self.method, self.modified,
            self.crc, self.compressed_size, self.size,
            len(self.name), len(self.extra), len(self.comment),
            self.disk, self.internal_attributes, self.external_attributes, self.offset,
        )
        # fmt: on
        return head + self.name + self.extra + self.comment

    @classmethod
    def unpack(cls, data: Bytes, at: int = 0) -> Self:
        """Read the record that begins at `at`; FormatError where none does."""
        values = _unpacked(CENTRAL, "central header", CENTRAL_SIGNATURE, data, at)
        name, extra, comment = _tails("central header", data, at + CENTRAL.size, values[8:11])
        return cls(*(*values[:8], *values[11:], name, extra, comment))

    @property
    def packed_size(self) -> int:
        """Return the record's length in bytes."""
        return CENTRAL.size + len(self.name) + len(self.extra) + len(self.comment)


@dataclass(frozen=True, slots=True)
class EndOfCentralDirectory:
    """The last record of every archive; APPNOTE 4.3.16. Fields that overflow hold a marker."""

    entries: int
    directory_size: int
    directory_offset: int
    comment: bytes = b""
    disk: int = 0
    directory_disk: int = 0
    entries_on_disk: int | None = None

    def pack(self) -> bytes:
        """Write the record; FormatError where a value does not fit."""
        on_disk = self.entries if self.entries_on_disk is None else self.entries_on_disk
        # fmt: off
        head = _packed(
            END, "end of central directory", END_SIGNATURE,
            self.disk, self.directory_disk, on_disk, self.entries,
            self.directory_size, self.directory_offset, len(self.comment),
        )
        # fmt: on
        return head + self.comment

    @classmethod
    def unpack(cls, data: Bytes, at: int = 0) -> Self:
        """Read the record that begins at `at`; FormatError where none does."""
        what = "end of central directory"
        disk, start, on_disk, entries, size, offset, length = _unpacked(
            END, what, END_SIGNATURE, data, at
        )
        (comment,) = _tails(what, data, at + END.size, (length,))
        return cls(entries, size, offset, comment, disk, start, on_disk)


@dataclass(frozen=True, slots=True)
class Zip64EndOfCentralDirectory:
    """The same with wide fields, where the end record's overflow; APPNOTE 4.3.14."""

    version_made_by: int
    version_needed: int
    entries: int
    directory_size: int
    directory_offset: int
    disk: int = 0
    directory_disk: int = 0
    entries_on_disk: int | None = None

    def pack(self) -> bytes:
        """Write the record, without an extensible data sector."""
        on_disk = self.entries if self.entries_on_disk is None else self.entries_on_disk
        length = ZIP64_END.size - _ZIP64_END_BEFORE_LENGTH_COUNTS
        # fmt: off
        return _packed(
            ZIP64_END, "zip64 end of central directory", ZIP64_END_SIGNATURE, length,
            self.version_made_by, self.version_needed, self.disk, self.directory_disk,
            on_disk, self.entries, self.directory_size, self.directory_offset,
        )
        # fmt: on

    @classmethod
    def unpack(cls, data: Bytes, at: int = 0) -> Self:
        """Read the record that begins at `at`; FormatError where none does."""
        what = "zip64 end of central directory"
        length, made_by, needed, disk, start, on_disk, entries, size, offset = _unpacked(
            ZIP64_END, what, ZIP64_END_SIGNATURE, data, at
        )
        if length < ZIP64_END.size - _ZIP64_END_BEFORE_LENGTH_COUNTS:
            raise FormatError(f"{what} at byte {at}: says it is {length} bytes long, too few")
        return cls(made_by, needed, entries, size, offset, disk, start, on_disk)


@dataclass(frozen=True, slots=True)
class Zip64Locator:
    """Where the zip64 end record begins; APPNOTE 4.3.15. Stands right before the end record."""

    offset: int
    disk: int = 0
    disks: int = 1

    def pack(self) -> bytes:
        """Write the record."""
        values = (ZIP64_LOCATOR_SIGNATURE, self.disk, self.offset, self.disks)
        return _packed(ZIP64_LOCATOR, "zip64 locator", *values)

    @classmethod
    def unpack(cls, data: Bytes, at: int = 0) -> Self:
        """Read the record that begins at `at`; FormatError where none does."""
        disk, offset, disks = _unpacked(
            ZIP64_LOCATOR, "zip64 locator", ZIP64_LOCATOR_SIGNATURE, data, at
        )
        return cls(offset, disk, disks)


def _packed(table: Struct, what: str, *values: int) -> bytes:
    try:
        return table.pack(*values)
    except StructError as error:
        raise FormatError(f"{what}: a value does not fit its field ({error})") from error


def _unpacked(table: Struct, what: str, signature: int, data: Bytes, at: int) -> tuple[Any, ...]:
    if at < 0 or at + table.size > len(data):
        raise FormatError(
            f"{what} at byte {at}: {table.size} bytes needed, {max(len(data) - at, 0)} there"
        )
    found, *values = table.unpack_from(data, at)
    if found != signature:
        raise FormatError(f"{what} at byte {at}: signature {signature:#010x} is {found:#010x}")
    return tuple(values)


def _tails(what: str, data: Bytes, at: int, lengths: tuple[int, ...]) -> list[bytes]:
    if at + sum(lengths) > len(data):
        raise FormatError(f"{what}: its name, extra block or comment runs over the end of the data")
    tails = []
    for length in lengths:
        tails.append(bytes(data[at : at + length]))
        at += length
    return tails
