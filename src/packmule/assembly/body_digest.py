"""The checksums of one body, computed while its bytes pass in order.

Owns the algorithms and how far they have come. Leaves which are wanted to `body_check`. Each digest
is fed by one thread at a time, of which there are some (`disk.blocks.Lanes`); hashlib releases the
GIL for more than 2 KiB.
"""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING, Protocol

from isal.isal_zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

    Bytes = bytes | memoryview


_lanes = count()


class _Hash(Protocol):
    def update(self, data: Bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: Bytes, /) -> None:
        self._value = crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def _new(algorithm: str) -> _Hash:
    return _Crc32() if algorithm == "crc32" else hashlib.new(algorithm, usedforsecurity=False)


class BodyDigest:
    """The digests by some algorithms of the first `at` bytes of a body, computed in its `lane`."""

    __slots__ = ("_hashes", "at", "lane")

    def __init__(self, algorithms: Iterable[str]) -> None:
        self.at = 0
        self.lane = next(_lanes)
        self._hashes = {name: _new(name) for name in algorithms}

    def __repr__(self) -> str:
        return f"<BodyDigest {'+'.join(self._hashes)} of {self.at} bytes>"

    def take(self, data: Bytes, length: int, start: int) -> None:
        """Take bytes that begin at `start` in the body, unless something before them is missing."""
        if start == self.at:
            for each in self._hashes.values():
                each.update(data)
            self.at += length

    def found(self) -> dict[str, str]:
        """Return the digests in hexadecimal digits, by algorithm."""
        return {name: each.hexdigest() for name, each in self._hashes.items()}
