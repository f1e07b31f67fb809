"""A body whose first bytes tell how it is to be stored: held until they are there.

Owns the wait for them, and the way to the sink that takes over. Leaves the choice of that sink to
`sink_factory`. Runs in the transfer loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.content_coding import PEEK_BYTES
from packmule.assembly.sinks.decoded import DecodedSink

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.assembly.sinks.protocol import Sink


class PeekedSink:
    """Takes a body; `choose` is given its first `PEEK_BYTES` and returns the sink that takes over.

    `on_short` is given a whole body that is shorter than that.
    """

    __slots__ = ("_choose", "_first", "_on_short", "_taken", "inner")

    def __init__(self, choose: Callable[[bytes], Sink], on_short: Callable[[bytes], None]) -> None:
        self._choose = choose
        self._on_short = on_short
        self._first = b""
        self._taken = 0  # of the piece that comes again, how much is held already
        self.inner: Sink | None = None

    @property
    def has_ended(self) -> bool:
        """Return whether the body's own checksum says that it is whole."""
        return isinstance(self.inner, DecodedSink) and self.inner.has_ended

    @property
    def kept(self) -> int:
        """Bytes held."""
        inner = self.inner  # read once: the transfer loop may replace it meanwhile
        return len(self._first) if inner is None else inner.kept + len(self._first)

    def write(self, view: memoryview) -> bool:
        """Take bytes, or say that there is no room for them now."""
        inner = self.inner
        if inner is None:
            self._taken = min(len(view), PEEK_BYTES - len(self._first))
            self._first += view[: self._taken]
            if len(self._first) < PEEK_BYTES:
                self._taken = 0
                return False
            inner = self.inner = self._choose(self._first)
        if self._first:
            if inner.write(memoryview(self._first)):
                return True
            self._first = b""
        if self._taken == len(view):
            self._taken = 0
            return False
        if inner.write(view[self._taken :]):
            return True
        self._taken = 0
        return False

    def tail(self, length: int) -> bytes | None:
        """Return the last bytes; between two tries nothing waits for room."""
        return self._first[-length:] if self.inner is None else self.inner.tail(length)

    def rest(self) -> None:
        """Between two tries: hold little memory."""
        if self.inner is None:
            return
        if self._first:
            # Cut off while it waited for room for its very beginning.
            self.discard()
        else:
            self._taken = 0
            self.inner.rest()

    def wake(self) -> None:
        """Another try begins."""
        if self.inner is not None:
            self.inner.wake()

    def finish(self) -> None:
        """Hand the whole body on; raises BodyRefused."""
        if self.inner is not None:
            self.inner.finish()
        else:
            self._on_short(self._first)

    def discard(self) -> None:
        """Discard everything."""
        self._first = b""
        self._taken = 0
        if self.inner is not None:
            self.inner.discard()
            self.inner = None
