"""Fetching and assembling until every source is resolved, with a checkpoint each second.

Owns the rhythm, and that a checkpoint is recorded before what it no longer claims is overwritten.
The same for a job of the service and for `packmule pack`: they differ in where `record` keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.assembly.assembly import Assembly
    from packmule.jobs.model import Checkpoint, Progress

CHECKPOINT_SECONDS = 1.0
NEVER: Final = Event()
"""What is never set."""


class StopSignal(Protocol):
    """What says whether to stop: an Event, or what a signal handler may set."""

    def is_set(self) -> bool:
        """Return whether to stop."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Asked to stop before the end; everything so far is recorded."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Every source is done or has failed; `rest` is what no checkpoint has told yet."""

    done: int
    failed: int
    rest: Checkpoint


def assemble(
    assembly: Assembly,
    record: Callable[[Checkpoint], None],
    stop: StopSignal,
    *,
    check: Callable[[], None] = lambda: None,
    finish: StopSignal = NEVER,
    watch: Callable[[Progress], None] | None = None,
    interval: float = CHECKPOINT_SECONDS,
) -> Stopped | Resolved:
    """Fetch everything, recording each `interval` seconds what is certain.

    `check` is asked whenever there may be news: it raises where nobody wants the archive any more.
    Once `finish` is set, nothing is fetched any more, and what is not packed has failed.
    Raises what makes it impossible (DiskFull, StorageFailed, ArchiveTooLarge), and what `record`
    and `check` raise.
    """
    if not finish.is_set():
        assembly.start()
    while True:
        if finish.is_set():
            assembly.leave_out_rest()
        else:
            assembly.wait(interval)
        check()
        if assembly.error is not None:
            raise assembly.error
        assembly.secure_space()
        if assembly.is_resolved:
            rest = assembly.stop()
            return Resolved(rest.progress.files_done, rest.progress.files_failed, rest)
        if stop.is_set():
            record(assembly.stop())
            return Stopped()
        assembly.flush_small()
        checkpoint = assembly.checkpoint()
        record(checkpoint)
        assembly.recorded()
        if watch is not None:
            watch(checkpoint.progress)
