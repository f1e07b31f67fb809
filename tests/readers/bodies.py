"""What is in a file: mostly zeros, with marks, so that gigabytes cost neither memory nor disk.

Owns making bodies and telling what they are. A body that is all zeros would not show that it had
been shifted, so the large ones bear marks at their beginning, in the middle and at their end.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1 << 20
ZEROS = bytes(PIECE)


@dataclass(frozen=True)
class Content:
    """What a reader must find in an entry."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Content:
        """Tell the content of bytes at hand."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Body:
    """`size` zeros with `marks` over them: (offset, bytes), ascending and apart from each other."""

    size: int
    marks: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def of(cls, data: bytes) -> Body:
        """Make a body of bytes at hand."""
        return cls(len(data), ((0, data),) if data else ())

    @classmethod
    def sparse(cls, size: int) -> Body:
        """Make a large body: a mark of 64 KiB at its beginning, in the middle and at its end."""
        mark = 1 << 16
        starts = (0, size // 2, size - mark)
        return cls(size, tuple((start, noise(mark, seed=start)) for start in starts))

    def pieces(self) -> Iterator[bytes]:
        """Give all bytes, at most a MiB at a time."""
        at = 0
        for start, mark in (*self.marks, (self.size, b"")):
            while at < start:
                piece = ZEROS[: min(PIECE, start - at)]
                yield piece
                at += len(piece)
            if mark:
                yield mark
                at += len(mark)

    @cached_property
    def data(self) -> bytes:
        """All bytes at once, for bodies that are not large."""
        return b"".join(self.pieces())

    @cached_property
    def crc(self) -> int:
        """The CRC-32."""
        running = 0
        for piece in self.pieces():
            running = crc32(piece, running)
        return running

    @cached_property
    def content(self) -> Content:
        """What a reader must find."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return Content(self.size, digest.hexdigest())


def noise(size: int, *, seed: int = 0) -> bytes:
    """Give bytes that cannot be compressed, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def prose(size: int) -> bytes:
    """Give text that can be compressed well."""
    line = b"".join(
        b"%d: the quick brown fox jumps over the lazy dog\n" % n for n in range(size // 40 + 1)
    )
    return line[:size]


Truth = dict[str, Body]
"""What is in an archive, by name, in the central directory's order."""
