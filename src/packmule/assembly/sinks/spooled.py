"""A body whose length only its end tells: in memory while it is small, then in a spool.

Owns the way from memory to a spool, a file without a name that is appended to the archive when the
body is whole. Runs in the transfer loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.sinks.block_file import BlockFileSink
from packmule.assembly.sinks.memory import MemorySink
from packmule.assembly.sinks.protocol import SMALL_BYTES, InSpool, too_large
from packmule.errors import Failure, FailureCode, PackmuleError
from packmule.outbound.receiver import BodyRefused

if TYPE_CHECKING:
    from packmule.assembly.body_digest import BodyDigest
    from packmule.assembly.disk.disk_file import DiskFile
    from packmule.assembly.scratch_file import ScratchFile
    from packmule.assembly.sinks.protocol import OnWhole


class SpooledSink:
    """Takes a body of up to `limit` bytes; `digest` is fed with what goes to a spool."""

    __slots__ = ("_digest", "_limit", "_on_whole", "_scratch", "_small", "_spool", "_spooled")

    def __init__(
        self,
        scratch: ScratchFile,
        limit: int,
        on_whole: OnWhole,
        digest: BodyDigest | None = None,
    ) -> None:
        self._digest = digest
        self._scratch = scratch
        self._limit = limit
        self._on_whole = on_whole
        self._small = MemorySink(scratch.pool, SMALL_BYTES, on_whole)
        self._spool: DiskFile | None = None
        self._spooled: BlockFileSink | None = None

    @property
    def kept(self) -> int:
        """Bytes held."""
        spooled = self._spooled  # read once: the transfer loop may replace it meanwhile
        return self._small.kept if spooled is None else spooled.kept

    def write(self, view: memoryview) -> bool:
        """Take bytes, or say that there is no room for them now."""
        if self.kept + len(view) > self._limit:
            raise too_large(self._limit)
        if self._spooled is not None:
            return self._spooled.write(view)
        if self._small.kept + len(view) <= SMALL_BYTES:
            return self._small.write(view)
        if not self._begin_spool():
            return True
        return self.write(view)

    def _begin_spool(self) -> bool:
        """Move what is in memory to a spool; False where there is no room for that yet."""
        if self._spool is None:
            self._spool = spool_for(self._scratch)
        spooled = BlockFileSink(self._scratch, self._spool, 0, None, digest=self._digest)
        if self._small.kept and spooled.write(memoryview(b"".join(self._small.pieces))):
            return False
        self._small.discard()
        self._spooled = spooled
        return True

    def tail(self, length: int) -> bytes | None:
        """Return the last bytes."""
        return (self._small if self._spooled is None else self._spooled).tail(length)

    def rest(self) -> None:
        """Between two tries: hold no block, and memory only while there is enough."""
        if self._spooled is not None:
            self._spooled.flush()
        else:
            self._small.rest()

    def wake(self) -> None:
        """Another try begins."""
        self._small.wake()

    def finish(self) -> None:
        """Hand the whole body on."""
        spool, spooled = self._spool, self._spooled
        if spool is None or spooled is None:
            self._small.finish()
            return
        self._spool = None
        size = spooled.kept
        spooled.flush()
        self._on_whole(InSpool(spool, size, size, spooled.crc, is_deflated=False))

    def discard(self) -> None:
        """Discard everything, the spool once the writer is through with it."""
        self._small.discard()
        if self._spooled is not None:
            self._spooled.discard()
            self._spooled = None
        if self._spool is not None:
            spool, self._spool = self._spool, None
            self._scratch.writer.submit(lambda: self._scratch.close_spool(spool))


def spool_for(scratch: ScratchFile) -> DiskFile:
    """Open a spool; where that fails so does the archive, and with it this body."""
    try:
        return scratch.open_spool()
    except PackmuleError as error:
        scratch.fail(error)
        code = FailureCode(error.code)
        raise BodyRefused(Failure(code, str(error))) from error
