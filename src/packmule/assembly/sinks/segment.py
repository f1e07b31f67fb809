"""A segment of a body in its place: the bytes that one transfer brings, one of several.

Owns where it ends, which changes while its bytes come: another transfer takes over its second half,
or it takes back what that one could not bring. Leaves which segments there are to `placed`. Runs in
the transfer loop's thread.

    start        kept            stop                     expected
    [held .......|to come ........)  another's ...........)
                 bytes of this response: the transfer ends at `stop` nevertheless
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.disk.blocks import BLOCK_BYTES
from packmule.assembly.sinks.block_file import BlockFileSink
from packmule.outbound.receiver import SegmentFilled

if TYPE_CHECKING:
    from packmule.assembly.body_digest import BodyDigest
    from packmule.assembly.disk.placed_file import PlacedFile
    from packmule.assembly.scratch_file import ScratchFile


class SegmentSink(BlockFileSink):
    """Takes the bytes from `start` to `stop` (`outbound.receiver.SegmentReceiver`).

    `expected`: where the response ends that is being received.
    """

    stop: int

    def __init__(
        self,
        scratch: ScratchFile,
        file: PlacedFile,
        begin: int,
        stop: int,
        *,
        start: int = 0,
        sure: tuple[int, int] = (0, 0),
        digest: BodyDigest | None = None,
    ) -> None:
        super().__init__(scratch, file, begin, stop, start=start, sure=sure, digest=digest)
        self.expected = stop

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.start}-{self.stop}, held up to {self.kept}>"

    @property
    def is_full(self) -> bool:
        """Whether all its bytes are held."""
        return self.kept >= self.stop

    def expect(self, end: int) -> None:
        """Record where the response ends that is about to come."""
        self.expected = end
        self._limit = self._room_in_block()

    def end_at(self, stop: int) -> None:
        """End there, sooner or later than before; what is held must not lie behind it."""
        self.stop = stop
        self._limit = self._room_in_block()

    def _room_in_block(self) -> int:
        """Return up to where the block may be filled: the last byte of all needs a look.

        Where more bytes come than belong here, the transfer is to end with that byte.
        """
        if self._block is None:
            return 0
        is_cut = self.expected > self.stop
        return min(BLOCK_BYTES, self.begin + self.stop - is_cut - self._base)

    def _write_across(self, view: memoryview) -> bool:
        """Take bytes that need a block more; raise SegmentFilled once the last one is here."""
        missing = self.stop - self.kept
        if self.expected <= self.stop or len(view) < missing:
            return super()._write_across(view)
        if missing and not self._take_last(view[:missing]):
            return True
        raise SegmentFilled

    def _take_last(self, view: memoryview) -> bool:
        """Take the last bytes, beyond which nothing belongs here; False without room for them."""
        expected = self.expected
        self.expect(self.stop)
        has_room = not self.write(view)
        self.expect(expected)
        return has_room
