"""Reading an archive back from the storage, some megabytes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.storage.interface import Reader

WINDOW_BYTES = 4 * 1024 * 1024


class Window:
    """Reads pieces that mostly follow one another.

    `watch` is asked before each look at the storage: it raises where nobody waits any more.
    """

    def __init__(self, reader: Reader, size: int, watch: Callable[[], None]) -> None:
        self._reader = reader
        self._watch = watch
        self._size = size
        self._start = 0
        self._held = b""

    def read(self, offset: int, length: int) -> bytes:
        """Read a range; fewer bytes only where the archive ends."""
        at = offset - self._start
        if not 0 <= at <= at + length <= len(self._held):
            stop = min(self._size, offset + max(length, WINDOW_BYTES))
            self._start, self._held, at = offset, self._fetch(offset, stop), 0
        return self._held[at : at + length]

    def _fetch(self, start: int, stop: int) -> bytes:
        self._watch()
        pieces = []
        while start < stop and (piece := self._reader.read(range(start, stop), stop - start)):
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)
