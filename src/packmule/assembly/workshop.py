"""What all jobs of one process share, and the bounds they keep.

Owns the making and the ending of the transfer loop, the pool of blocks and the writer, in the order
that lets each end cleanly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from packmule.assembly.blocks import Pool, Writer
from packmule.assembly.deflater import Deflater, usual_threads
from packmule.assembly.scratch_bound import ScratchBound
from packmule.outbound.curl import TransferLoop

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.loop_settings import LoopSettings
    from packmule.outbound.resolver import Resolver

_BLOCKS_BEYOND_TRANSFERS = 8
_MOST_BLOCKS = 32


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large files and archives may become, and how much of the disk stays free; in bytes.

    `max_unpack_ratio`: how many times its size on the wire a file may become that an origin wraps.
    `max_url_length`: the characters of a link. `max_scratch_bytes`: what archives
    take of the disk that are uploaded while they are assembled. `read_back`: check every file of a
    finished archive.
    """

    max_file_bytes: int = 50_000_000_000
    max_archive_bytes: int = 500_000_000_000
    min_free_bytes: int = 1_000_000_000
    max_unpack_ratio: float = 200.0
    max_scratch_bytes: int = 2_000_000_000
    max_url_length: int = 8192
    read_back: bool = False


class Workshop:
    """One transfer loop, one pool of blocks, one writer, some deflaters: for every job here.

    `on_failure` is called, in the loop's thread, where an error of ours has ended the loop.
    """

    def __init__(
        self,
        rules: AddressRules,
        loop: LoopSettings,
        bounds: Bounds,
        *,
        resolver: Resolver | None = None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.rules = rules
        self.bounds = bounds
        self.pool = Pool(min(loop.transfers + _BLOCKS_BEYOND_TRANSFERS, _MOST_BLOCKS))
        self.writer = Writer()
        self.scratch = ScratchBound(bounds.max_scratch_bytes, bounds.min_free_bytes)
        self.loop = TransferLoop(
            rules, loop, resolver=resolver, may_start=self._may_start, on_failure=on_failure
        )
        self.deflater = Deflater(usual_threads())
        self.pool.on_room = self.deflater.on_room = self.loop.nudge
        self.loop.start()

    def _may_start(self) -> bool:
        return self.pool.has_room() and self.scratch.may_start(self.loop.in_work())

    def close(self) -> None:
        """End the loop, then write what was still to be written."""
        self.loop.close()
        self.deflater.close()
        self.writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
