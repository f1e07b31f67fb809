"""The extra fields of ZIP headers: zip64, extended timestamp, and room to grow.

Owns their bytes, one frozen type a field, and the walk over a header's extra block. Leaves to
`headers` which of them an entry gets. Law: APPNOTE 4.5.1 (blocks), 4.5.3 (zip64), 4.6.10 (growth
hint); Info-ZIP's `proginfo/extrafld.txt` (0x5455).

    block = field*      field = [id: 2][length of body: 2][body]

    zip64 0x0001                timestamp 0x5455         growth hint 0xA220
     0  size             8       0  which times   1       0  signature 0xA028  2
     8  compressed size  8       1  modified at   4       2  bytes of padding  2
    16  offset           8                                4  zeros
    24  disk             4
    (each only where the header
     holds the marker instead)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final, Self

from packmule.zipformat.records import (
    MARKER_16,
    MARKER_32,
    Bytes,
    CentralHeader,
    FormatError,
    LocalHeader,
)

ZIP64_ID: Final = 0x0001
TIMESTAMP_ID: Final = 0x5455
GROWTH_HINT_ID: Final = 0xA220

_FIELD: Final = Struct("<HH")
_EIGHT: Final = Struct("<Q")
_FOUR: Final = Struct("<I")
_TIMESTAMP: Final = Struct("<HHBi")
_HINT: Final = Struct("<HHHH")

_MODIFIED_AT_IS_THERE: Final = 1
_HINT_SIGNATURE: Final = 0xA028

LOCAL_ZIP64_SIZE: Final = _FIELD.size + 2 * _EIGHT.size
TIMESTAMP_SIZE: Final = _TIMESTAMP.size


@dataclass(frozen=True, slots=True)
class Zip64:
    """What did not fit the header's own fields, None where it did; APPNOTE 4.5.3."""

    size: int | None = None
    compressed_size: int | None = None
    offset: int | None = None
    disk: int | None = None

    def pack(self) -> bytes:
        """Write the field, or nothing at all where nothing is in it."""
        wide = [v for v in (self.size, self.compressed_size, self.offset) if v is not None]
        body = b"".join(_EIGHT.pack(value) for value in wide)
        if self.disk is not None:
            body += _FOUR.pack(self.disk)
        return _FIELD.pack(ZIP64_ID, len(body)) + body if body else b""

    @classmethod
    def unpack(
        cls, body: Bytes, *, size: int, compressed_size: int, offset: int = 0, disk: int = 0
    ) -> Self:
        """Read the field's body, given the header's own values: a marker there means a value here.

        Raises FormatError where the body is shorter than the markers ask for.
        """
        values: list[int | None] = []
        at = 0
        for own, marker, kind in (
            (size, MARKER_32, _EIGHT),
            (compressed_size, MARKER_32, _EIGHT),
            (offset, MARKER_32, _EIGHT),
            (disk, MARKER_16, _FOUR),
        ):
            if own != marker:
                values.append(None)
                continue
            if at + kind.size > len(body):
                raise FormatError(
                    f"zip64 extra field: {len(body)} bytes are too few for what the header leaves "
                    f"to it"
                )
            values.append(kind.unpack_from(body, at)[0])
            at += kind.size
        return cls(*values)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """When the entry was modified, in POSIX seconds (UTC) within 32 bits; Info-ZIP's 0x5455."""

    modified_at: int

    def pack(self) -> bytes:
        """Write the field; the same in the local and in the central header."""
        return _TIMESTAMP.pack(
            TIMESTAMP_ID, _TIMESTAMP.size - _FIELD.size, _MODIFIED_AT_IS_THERE, self.modified_at
        )

    @classmethod
    def unpack(cls, body: Bytes) -> Self | None:
        """Read the field's body; None where it holds no modification time."""
        if len(body) < _TIMESTAMP.size - _FIELD.size or not body[0] & _MODIFIED_AT_IS_THERE:
            return None
        return cls(int.from_bytes(body[1:5], "little", signed=True))


@dataclass(frozen=True, slots=True)
class GrowthHint:
    """Room kept in a local header, which a zip64 field may take later; APPNOTE 4.6.10.

    Made by Microsoft's packaging library for just this, so every reader of .docx has met it.
    `length` counts the whole field, its four bytes of id and length included.
    """

    length: int = LOCAL_ZIP64_SIZE

    def pack(self) -> bytes:
        """Write the field, its padding zeros."""
        padding = self.length - _HINT.size
        if padding < 0:
            raise FormatError(f"growth hint: {self.length} bytes cannot hold its head")
        return _HINT.pack(
            GROWTH_HINT_ID, self.length - _FIELD.size, _HINT_SIGNATURE, padding
        ) + bytes(padding)


def fields(block: Bytes) -> Iterator[tuple[int, Bytes]]:
    """Walk over an extra block: (id, body) of each field, in order.

    Raises FormatError where a field runs over the block's end.
    """
    at = 0
    while at < len(block):
        if at + _FIELD.size > len(block):
            raise FormatError(f"extra block: {len(block) - at} bytes left over at its end")
        identifier, length = _FIELD.unpack_from(block, at)
        at += _FIELD.size
        if at + length > len(block):
            raise FormatError(f"extra field {identifier:#06x}: runs over the end of its block")
        yield identifier, block[at : at + length]
        at += length


def find(block: Bytes, identifier: int) -> Bytes | None:
    """Return the body of the first field of that id, or None."""
    return next((body for found, body in fields(block) if found == identifier), None)


def actual_values(header: LocalHeader | CentralHeader) -> tuple[int, int, int]:
    """Return (size, compressed size, offset) of a header, from its zip64 field if they are there.

    The offset is 0 for a local header, which has none. Raises FormatError where the zip64 field
    lacks what the header leaves to it. A marker without any zip64 field is a value like another.
    """
    offset = header.offset if isinstance(header, CentralHeader) else 0
    body = find(header.extra, ZIP64_ID)
    if body is None:
        return header.size, header.compressed_size, offset
    wide = Zip64.unpack(
        body, size=header.size, compressed_size=header.compressed_size, offset=offset
    )
    return (
        header.size if wide.size is None else wide.size,
        header.compressed_size if wide.compressed_size is None else wide.compressed_size,
        offset if wide.offset is None else wide.offset,
    )
