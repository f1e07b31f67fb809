"""The body of one file in an archive: a slice of the archive, decompressed if it is deflated.

Owns presenting a slice of stored bytes as bytes of their own, and reading one to be inflated.
Leaves inflating to `zipformat.inflating`, finding the slice to `archive_index.py`, and ranges
within it to `downloads.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packmule.errors import StorageFailed
from packmule.zipformat.inflating import DeflateError, inflate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.storage.interface import Bytes, Reader

_PIECE: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class SlicedBytes:
    """The bytes `part` of others (`storage.interface.Bytes`). They have no path and no link."""

    of: Bytes
    part: range

    path = None

    def open(self) -> SlicedReader:
        """Open them for reading. Raises StorageFailed."""
        return SlicedReader(self.of.open(), self.part.start)

    def link(self, _name: str) -> None:
        """Return None: there is no link to a part of an archive."""


class SlicedReader:
    """Reads a slice that begins at the byte `start` of the reader."""

    def __init__(self, reader: Reader, start: int) -> None:
        self._reader = reader
        self._start = start

    def read(self, part: range, most: int) -> bytes:
        """Return the beginning of `part`, at most `most` bytes. Raises StorageFailed."""
        return self._reader.read(
            range(self._start + part.start, self._start + part.stop),
            most,
        )

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()


def inflate_slice(source: Bytes, size: int) -> Iterator[bytes]:
    """Yield the body of a deflated slice, whose bytes are `size` long before decompression.

    A piece is at most 256 KiB. Raises StorageFailed if the stream is damaged or cut off.
    """
    reader = source.open()
    try:
        yield from inflate(_pieces(reader, size), _PIECE)
    except DeflateError as error:
        raise StorageFailed(f"a file in the archive is damaged: {error}") from error
    finally:
        reader.close()


def _pieces(reader: Reader, size: int) -> Iterator[bytes]:
    at = 0
    while at < size and (piece := reader.read(range(at, size), _PIECE)):
        yield piece
        at += len(piece)
