"""The two headers our entries get, made in one step each: this is the hot path.

Owns what we choose to write (versions, flags, attributes, extra fields, where zip64 begins) and
the length of a local header before its entry is known in full. Leaves the field tables to
`records` and `extras`, whose types say the same bytes slowly; a test holds the two together.

What we write, and why it opens everywhere:
- CRC and sizes stand in the local header, never in a data descriptor: Java's stream reader refuses
  STORE with a descriptor.
- Zip64 only where a value reaches the marker; new JDKs refuse it elsewhere. Where a body's length
  is not known when its place is reserved, the local header keeps room for a zip64 field: a growth
  hint of the same length (APPNOTE 4.6.10) stands there unless the body turns out to need it.
- Bit 11 only where the name is not ASCII. An ASCII name reads the same in every code page a reader
  may guess, so the bit would say nothing, and the oldest readers refuse bits they do not know.
- Version needed is the least that is true (APPNOTE 4.4.3.2): 1.0 stored, 2.0 deflated or in a
  folder, 4.5 zip64. Made by: Unix, 6.3. Mode: a regular file, 0644. No comment.
- The time twice: MS-DOS in UTC, and the extended timestamp where it fits 31 bits.
"""

from functools import lru_cache
from struct import Struct
from struct import error as StructError  # noqa: N812  # named as the class it is
from typing import Final

from packmule.zipformat.extras import LOCAL_ZIP64_SIZE, ZIP64_ID, GrowthHint, Timestamp, Zip64
from packmule.zipformat.records import (
    CENTRAL,
    CENTRAL_SIGNATURE,
    LOCAL,
    LOCAL_SIGNATURE,
    MARKER_32,
    STORED,
    UTF8_NAME,
    FormatError,
)
from packmule.zipformat.times import dos_time, fits_unix_field

STORED_VERSION: Final = 10
FOLDER_OR_DEFLATE_VERSION: Final = 20
ZIP64_VERSION: Final = 45
MADE_BY: Final = 3 << 8 | 63  # Unix; APPNOTE 6.3, the first with UTF-8 names
REGULAR_FILE_0644: Final = 0o100644 << 16

# Deflate makes what it cannot shrink longer: 5 bytes a stored block of at least 8 KiB, and a full
# flush each MiB. Of sizes near 4 GiB a thousandth is more than any of the encoders in use adds.
_DEFLATE_GROWTH: Final = 1000

_LOCAL_ZIP64: Final = Struct("<HHQQ")
_LOCAL_ZIP64_BODY: Final = 16
_TIMESTAMP_HEAD: Final = Timestamp(0).pack()[:-4]
_ROOM: Final = GrowthHint(LOCAL_ZIP64_SIZE).pack()


def needs_zip64_room(size: int | None, method: int = STORED) -> bool:
    """Return whether a place reserved now must keep room for zip64 in its local header.

    `size` is the body's length before compression in bytes, None where it is not known yet.
    """
    if size is None:
        return True
    if method != STORED:
        size += size // _DEFLATE_GROWTH
    return size >= MARKER_32


def local_header_size(name: bytes, modified_at: float | None, *, zip64: bool) -> int:
    """Return how many bytes `local_header` makes of these; crc and sizes do not matter."""
    _, times = _moment(None if modified_at is None else int(modified_at))
    return LOCAL.size + len(name) + len(times) + (LOCAL_ZIP64_SIZE if zip64 else 0)


def local_header(  # noqa: PLR0917  # one call a file, in the bytes' own order
    name: bytes,
    method: int,
    crc: int,
    compressed: int,
    size: int,
    modified_at: float | None,
    *,
    zip64: bool,
) -> bytes:
    """Make an entry's local header; APPNOTE 4.3.7.

    `name` is UTF-8, sizes are bytes, `modified_at` is POSIX seconds or None. `zip64` says that
    room for the zip64 field was reserved (`needs_zip64_room`), not that it is needed. Raises
    FormatError where a size needs that room and there is none, or a value does not fit.
    """
    moment, extra = _moment(None if modified_at is None else int(modified_at))
    version = FOLDER_OR_DEFLATE_VERSION if method or b"/" in name else STORED_VERSION
    if zip64:
        extra = _ROOM + extra
    if size >= MARKER_32 or compressed >= MARKER_32:
        if not zip64:
            raise FormatError(
                f"local header: {max(size, compressed)} bytes need zip64, for which no room is kept"
            )
        # Both sizes, always, in a local header: APPNOTE 4.5.3.
        extra = (
            _LOCAL_ZIP64.pack(ZIP64_ID, _LOCAL_ZIP64_BODY, size, compressed)
            + extra[LOCAL_ZIP64_SIZE:]
        )
        version = ZIP64_VERSION
        size = compressed = MARKER_32
    flags = 0 if name.isascii() else UTF8_NAME
    try:
        # fmt: off
        return LOCAL.pack(
            LOCAL_SIGNATURE, version, flags, method, moment, crc, compressed, size,
            len(name), len(extra),
        ) + name + extra
        # fmt: on
    except StructError as error:
        raise FormatError(f"local header: a value does not fit its field ({error})") from error


def central_header(  # noqa: PLR0917  # as above
    name: bytes,
    method: int,
    crc: int,
    compressed: int,
    size: int,
    modified_at: float | None,
    *,
    offset: int,
) -> bytes:
    """Make an entry's central header; APPNOTE 4.3.12. As `local_header`; `offset` is that one's.

    Zip64 holds only what does not fit: newer JDKs refuse a value that stands in both places.
    """
    moment, extra = _moment(None if modified_at is None else int(modified_at))
    version = FOLDER_OR_DEFLATE_VERSION if method or b"/" in name else STORED_VERSION
    if size >= MARKER_32 or compressed >= MARKER_32 or offset >= MARKER_32:
        wide = Zip64(
            size=size if size >= MARKER_32 else None,
            compressed_size=compressed if compressed >= MARKER_32 else None,
            offset=offset if offset >= MARKER_32 else None,
        )
        extra = wide.pack() + extra
        version = ZIP64_VERSION
        size, compressed = min(size, MARKER_32), min(compressed, MARKER_32)
        offset = min(offset, MARKER_32)
    flags = 0 if name.isascii() else UTF8_NAME
    try:
        # fmt: off
        return CENTRAL.pack(
            CENTRAL_SIGNATURE, MADE_BY, version, flags, method, moment, crc, compressed, size,
            len(name), len(extra), 0, 0, 0, REGULAR_FILE_0644, offset,
        ) + name + extra
        # fmt: on
    except StructError as error:
        raise FormatError(f"central header: a value does not fit its field ({error})") from error


@lru_cache(maxsize=4096)
def _moment(second: int | None) -> tuple[int, bytes]:
    """Return MS-DOS time and extended timestamp of a second, the latter empty if unfit."""
    if fits_unix_field(second):
        return dos_time(second), _TIMESTAMP_HEAD + second.to_bytes(4, "little")
    return dos_time(second), b""
