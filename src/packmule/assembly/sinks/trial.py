"""A body that may be worth deflating: held in memory until its beginning tells.

Owns the trial, and the way to the body that takes over. Leaves the judgement to `compression`, the
choice of that other sink to `sink_factory`. Runs in the transfer loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.compression import TRIAL_BYTES
from packmule.assembly.sinks.deflated import pack_deflated
from packmule.assembly.sinks.memory import MemorySink
from packmule.assembly.sinks.protocol import SMALL_BYTES, too_large

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.assembly.body_digest import BodyDigest
    from packmule.assembly.compress_pool import CompressPool
    from packmule.assembly.scratch_file import ScratchFile
    from packmule.assembly.sinks.protocol import OnWhole, Sink
    from packmule.jobs.model import Compression


class TrialSink:
    """Takes a body of `size` bytes, or of an unknown number up to `limit`.

    `choose` is given the beginning of a body that is not small, and returns the sink that takes
    over. `on_whole_soon` may be called by any thread. `digest` is fed with what is deflated here.
    """

    __slots__ = (
        "_choose", "_compress_pool", "_digest", "_first", "_held", "_limit", "_on_whole",
        "_on_whole_soon", "_scratch", "_tried_at", "_wanted", "inner",
    )  # fmt: skip

    def __init__(
        self,
        scratch: ScratchFile,
        compress_pool: CompressPool,
        wanted: Compression,
        size: int | None,
        *,
        limit: int,
        choose: Callable[[bytes], Sink],
        on_whole: OnWhole,
        on_whole_soon: OnWhole,
        digest: BodyDigest | None = None,
    ) -> None:
        self._scratch = scratch
        self._on_whole = on_whole
        self._on_whole_soon = on_whole_soon
        self._digest = digest
        self._compress_pool = compress_pool
        self._wanted = wanted
        self._choose = choose
        self._limit = limit
        small = size is not None and size <= SMALL_BYTES
        self._tried_at = SMALL_BYTES + 1 if small else TRIAL_BYTES
        self._held = MemorySink(scratch.pool, SMALL_BYTES if size is None else size, on_whole)
        self._first = b""
        self.inner: Sink | None = None

    @property
    def kept(self) -> int:
        """Bytes held."""
        inner = self.inner  # read once: the transfer loop may replace it meanwhile
        return self._held.kept if inner is None else inner.kept + len(self._first)

    def write(self, view: memoryview) -> bool:
        """Take bytes, or say that there is no room for them now."""
        inner = self.inner
        if inner is None:
            if self._held.kept < self._tried_at:
                return self._hold(view)
            self._first = b"".join(self._held.pieces)
            inner = self.inner = self._choose(self._first)
            self._held.discard()
        if self._first:
            if inner.write(memoryview(self._first)):
                return True
            self._first = b""
        return inner.write(view)

    def _hold(self, view: memoryview) -> bool:
        if self._held.kept + len(view) > self._limit:
            raise too_large(self._limit)
        # What is whole in memory cannot wait, so what is to be deflated waits here.
        return not self._compress_pool.has_room() or self._held.write(view)

    def tail(self, length: int) -> bytes | None:
        """Return the last bytes; between two tries nothing waits for room."""
        return (self._held if self.inner is None else self.inner).tail(length)

    def rest(self) -> None:
        """Between two tries: hold little memory."""
        if self.inner is None:
            self._held.rest()
        elif self._first:
            # Cut off while it waited for room for its very beginning.
            self.discard()
        else:
            self.inner.rest()

    def wake(self) -> None:
        """Another try begins."""
        (self.inner or self._held).wake()

    def finish(self) -> None:
        """Hand the whole body on."""
        if self.inner is not None:
            self.inner.finish()
            return
        self._held.wake()
        pack_deflated(
            self._held.pieces, self._wanted, self._scratch, self._compress_pool,
            on_whole=self._on_whole, on_whole_soon=self._on_whole_soon, digest=self._digest,
        )  # fmt: skip

    def discard(self) -> None:
        """Discard everything."""
        self._held.discard()
        self._first = b""
        if self.inner is not None:
            self.inner.discard()
            self.inner = None
