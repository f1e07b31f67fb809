"""A small body, kept in memory until it is whole.

Runs in the transfer loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.sinks.protocol import InMemory, overflow

if TYPE_CHECKING:
    from packmule.assembly.disk.blocks import Pool
    from packmule.assembly.sinks.protocol import OnWhole


class MemorySink:
    """A body kept in memory until it is whole; `limit` bytes at most."""

    __slots__ = ("_counted", "_limit", "_on_whole", "_pool", "kept", "pieces")

    def __init__(self, pool: Pool, limit: int, on_whole: OnWhole) -> None:
        self._pool = pool
        self._limit = limit
        self._on_whole = on_whole
        self._counted = 0
        self.pieces: list[bytes] = []
        self.kept = 0

    def write(self, view: memoryview) -> bool:
        """Take bytes; never without room."""
        self.kept += len(view)
        if self.kept > self._limit:
            raise overflow(self._limit)
        self.pieces.append(bytes(view))
        return False

    def tail(self, length: int) -> bytes:
        """Return the last bytes."""
        return b"".join(self.pieces)[-length:]

    def rest(self) -> None:
        """Between two tries: stay in memory while there is enough of it for all who wait."""
        self.wake()
        if self.kept and self._pool.may_rest(self.kept):
            self._counted = self.kept
        else:
            self.discard()

    def wake(self) -> None:
        """End the waiting: no longer counted among those who rest."""
        self._pool.resting_bytes -= self._counted
        self._counted = 0

    def finish(self) -> None:
        """Hand the whole body on."""
        if self._counted:
            self.wake()
        self._on_whole(InMemory(self.pieces))

    def discard(self) -> None:
        """Discard everything."""
        self.wake()
        self.pieces = []
        self.kept = 0
