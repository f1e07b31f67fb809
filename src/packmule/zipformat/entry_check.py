"""Whether one entry is right: its two headers agree, and its body is what they say.

Owns reading the body back, in bounded memory whatever it unpacks to, and the length of a data
descriptor, which no record tells. Law: APPNOTE 4.3.7, 4.3.9 (descriptors), 4.4.4 (flags).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from isal import isal_zlib

from packmule.zipformat.extras import actual_values
from packmule.zipformat.inflating import DeflateError, inflate
from packmule.zipformat.records import (
    DEFLATED,
    LOCAL,
    MARKER_16,
    STORED,
    CentralHeader,
    FormatError,
    LocalHeader,
)

if TYPE_CHECKING:
    from packmule.zipformat.reading import Directory, Read

_PIECE: Final = 1 << 20
_USUAL_EXTRA: Final = 256
_ENCRYPTED: Final = 1
_DESCRIPTOR: Final = 1 << 3
_MASKED: Final = 1 << 13
_DESCRIPTOR_SIGNATURE: Final = 0x0807_4B50
# With or without the signature, with narrow or wide sizes; the longest that is true is meant.
_DESCRIPTORS: Final = tuple(map(Struct, ("<IIQQ", "<IQQ", "<IIII", "<III")))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something at byte `at` of the archive; `kind` is stable, `detail` for people."""

    kind: str
    at: int
    name: str | None
    detail: str
    is_fault: bool


class Extent(NamedTuple):
    """The bytes of one entry, header and descriptor included; its central header is at `place`."""

    start: int
    stop: int
    place: int


class _Wrong(Exception):
    """The body is not what the headers say."""


def fault(kind: str, at: int, name: bytes | None, detail: str) -> Finding:
    """Make a finding that makes the archive wrong."""
    return Finding(kind, at, _shown(name), detail, is_fault=True)


def note(kind: str, at: int, name: bytes | None, detail: str) -> Finding:
    """Make a finding that readers take."""
    return Finding(kind, at, _shown(name), detail, is_fault=False)


def check_entry(
    read: "Read",
    header: CentralHeader,
    place: int,
    directory: "Directory",
    *,
    quick: bool,
    most_bytes: int,
) -> tuple[Extent | None, list[Finding]]:
    """Check the entry of a central header that stands at `place`; no extent where it has none.

    The body is not read back where the entry is longer than `most_bytes`.
    """
    name = header.name
    try:
        size, compressed, offset = actual_values(header)
    except FormatError as error:
        return None, [fault("central-header", place, name, str(error))]
    at = offset + directory.shift
    if at + LOCAL.size > directory.start:
        return None, [fault("local-header", at, name, "it would stand behind the entries")]
    try:
        local = _local_header(read, at, len(name))
    except FormatError as error:
        return None, [fault("local-header", at, name, str(error))]
    found = _differences(header, local, at)
    body = at + local.packed_size
    stop = body + compressed
    if header.flags & _DESCRIPTOR:
        length = _descriptor_length(read, stop, header.crc, compressed, size)
        if length:
            found.append(note("data-descriptor", stop, name, "crc and sizes stand behind the body"))
        else:
            found.append(fault("data-descriptor", stop, name, "it does not agree, or is not there"))
        stop += length
    if stop <= directory.start and stop - at <= most_bytes:  # else told as an overlap
        found += _body_findings(read, body, header, (size, compressed), quick=quick)
    return Extent(at, stop, place), found


def _body_findings(
    read: "Read", at: int, header: CentralHeader, sizes: tuple[int, int], *, quick: bool
) -> list[Finding]:
    if header.flags & _ENCRYPTED:
        return [note("encrypted", at, header.name, "its body cannot be read back")]
    if header.method not in {STORED, DEFLATED}:
        told = f"method {header.method} is not read back here"
        return [note("method", at, header.name, told)]
    if not quick:
        try:
            _read_back(read, at, header, *sizes)
        except _Wrong as error:
            return [fault("body", at, header.name, str(error))]
    return []


def _local_header(read: "Read", at: int, name_length: int) -> LocalHeader:
    data = read(at, LOCAL.size + name_length + _USUAL_EXTRA)
    try:
        return LocalHeader.unpack(data)
    except FormatError:
        try:
            return LocalHeader.unpack(read(at, LOCAL.size + 2 * MARKER_16))
        except FormatError as error:
            told = str(error).replace("at byte 0", f"at byte {at}")
            raise FormatError(told) from error


def _differences(header: CentralHeader, local: LocalHeader, at: int) -> list[Finding]:
    """Return where the two headers say different things."""
    found = []
    if header.flags != local.flags:
        told = f"flags {local.flags:#06x} here, {header.flags:#06x} in the directory"
        found.append(note("flags", at, header.name, told))
    pairs: list[tuple[str, object, object]] = [("method", local.method, header.method)]
    if not (header.flags | local.flags) & _MASKED:
        pairs.append(("name", _shown(local.name), _shown(header.name)))
    if not (header.flags | local.flags) & _DESCRIPTOR:
        try:
            here = actual_values(local)
        except FormatError as error:
            return [*found, fault("local-header", at, header.name, str(error))]
        there = actual_values(header)
        pairs.append(("crc", f"{local.crc:08x}", f"{header.crc:08x}"))
        pairs.append(("size", here[0], there[0]))
        pairs.append(("compressed size", here[1], there[1]))
    for what, one, other in pairs:
        if one != other:
            told = f"{what} is {one} in its own header, {other} in the directory"
            found.append(fault("headers-differ", at, header.name, told))
    return found


def _descriptor_length(read: "Read", at: int, crc: int, compressed: int, size: int) -> int:
    """Return the length of the descriptor that says this; 0 if there is none."""
    data = read(at, _DESCRIPTORS[0].size)
    for table in _DESCRIPTORS:
        if len(data) >= table.size:
            values = table.unpack_from(data)
            signed = values[0] == _DESCRIPTOR_SIGNATURE and values[1:] == (crc, compressed, size)
            if signed or values == (crc, compressed, size):
                return table.size
    return 0


def _read_back(read: "Read", at: int, header: CentralHeader, size: int, compressed: int) -> None:
    body = _pieces(read, at, at + compressed)
    crc = length = 0
    try:
        for made in body if header.method == STORED else inflate(body, _PIECE):
            crc, length = isal_zlib.crc32(made, crc), length + len(made)
            if length > size:
                raise _Wrong(f"it is longer than the {size:,} bytes its headers say")
    except DeflateError as error:
        raise _Wrong(str(error)) from error
    if length != size:
        raise _Wrong(f"it is {length:,} bytes, its headers say {size:,}")
    if crc != header.crc:
        raise _Wrong(f"its CRC-32 is {crc:08x}, its headers say {header.crc:08x}")


def _pieces(read: "Read", at: int, stop: int) -> Iterator[bytes]:
    while at < stop:
        piece = read(at, min(_PIECE, stop - at))
        if not piece:
            raise _Wrong("the archive ends before it does")
        at += len(piece)
        yield piece


def _shown(name: bytes | None) -> str | None:
    return None if name is None else name.decode(errors="replace")
