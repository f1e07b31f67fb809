"""What all jobs of one process share, and the limits they keep.

Owns the making and the ending of the transfer loop, the pool of blocks and the writer, in the order
that lets each end cleanly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from packmule.assembly.compress_pool import CompressPool, usual_threads
from packmule.assembly.disk.blocks import Pool, Writer
from packmule.assembly.upload.scratch_budget import ScratchBudget
from packmule.errors import PackmuleError
from packmule.outbound.share_links import RULES
from packmule.outbound.transfer_loop import TransferLoop

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.loop_settings import LoopSettings
    from packmule.outbound.resolver import Resolver

_BLOCKS_BEYOND_TRANSFERS = 8
_MOST_BLOCKS = 32


@dataclass(frozen=True, slots=True)
class AssemblyLimits:
    """How large files and archives may become, and how much of the disk stays free; in bytes.

    `max_unpack_ratio`: how many times its size on the wire a file may become that an origin wraps.
    `max_url_length`: the characters of a link. `rewrite_links`: the rules for share links.
    `max_scratch_bytes`: what archives take of the disk that are uploaded while they are assembled.
    `read_back`: check every file of a finished archive. `storage_wait`: how many seconds a job
    waits for an object store that cannot be used.
    """

    max_file_bytes: int = 50_000_000_000
    max_archive_bytes: int = 500_000_000_000
    min_free_bytes: int = 1_000_000_000
    max_unpack_ratio: float = 200.0
    max_scratch_bytes: int = 2_000_000_000
    max_url_length: int = 8192
    rewrite_links: frozenset[str] = frozenset(RULES)
    read_back: bool = False
    storage_wait: float = 21_600.0


class SharedResources:
    """One transfer loop, one pool of blocks, one writer, some deflaters: for every job here.

    `on_failure` is called, in the loop's thread, if an unexpected error ends the loop.
    """

    def __init__(
        self,
        rules: AddressRules,
        loop: LoopSettings,
        limits: AssemblyLimits,
        *,
        resolver: Resolver | None = None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.rules = rules
        self.limits = limits
        self._on_failure = on_failure
        self.pool = Pool(min(loop.transfers + _BLOCKS_BEYOND_TRANSFERS, _MOST_BLOCKS))
        self.writer = Writer()
        self.scratch = ScratchBudget(limits.max_scratch_bytes, limits.min_free_bytes)
        self.loop = TransferLoop(
            rules, loop, resolver=resolver, may_start=self._may_start, on_failure=on_failure
        )
        self.compress_pool = CompressPool(usual_threads())
        self.pool.on_room = self.compress_pool.on_room = self.loop.nudge
        self.loop.start()

    def _may_start(self) -> bool:
        return self.pool.has_room() and self.scratch.may_start(self.loop.in_work())

    def check(self) -> None:
        """Raise PackmuleError if a thread that every job needs has ended: no job would."""
        if self.loop.has_ended or self.writer.has_ended:
            self._on_failure()
            raise PackmuleError(
                "A thread of this process has ended, perhaps for lack of memory; its log says why. "
                "Give it more memory, then try again."
            )

    def close(self) -> None:
        """End the loop, then write what was still to be written."""
        self.loop.close()
        self.compress_pool.close()
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
