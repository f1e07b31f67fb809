"""Packing links as the program does, with short patience, and telling what came of it.

Owns the one way in which these suites run the real thing: `assembly.pack.pack`, bounded in time.
"""

from __future__ import annotations

import threading
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packmule.assembly.pack import Packed, pack
from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.jobs.model import OnError, Source
from packmule.outbound.addresses import AddressRules, parse_networks, parse_ports
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from packmule.errors import Failure
    from packmule.jobs.model import Progress

BOUND = 30.0
"""Seconds after which a run has hung: many times what the longest case takes."""

LIMITS = Limits(
    attempts=4,
    max_bytes=5_000_000,
    first_delay=0.02,
    longest_delay=0.1,
    longest_retry_after=10.0,
    first_pause=0.02,
    longest_pause=0.1,
)
LOOP = LoopSettings(
    connect_timeout=10.0,
    first_byte_timeout=10.0,
    stall_timeout=10.0,
    least_rate=500.0,
    limits=LIMITS,
)
IMPATIENT = replace(LOOP, first_byte_timeout=0.5, stall_timeout=0.5)
"""For origins that are slow on purpose; else a busy machine would look like one."""


class Hung(AssertionError):
    """The run did not come to an end by itself."""


@dataclass(frozen=True)
class Outcome:
    """What came of one run: the entries' bytes by name, and the failures by position."""

    packed: Packed
    entries: dict[str, bytes] = field(default_factory=dict)

    @property
    def failures(self) -> dict[int, Failure]:
        """Why files failed, by their position."""
        return {one.position: one.failure for one in self.packed.failed}


def run(
    links: Sequence[str],
    out: Path,
    *,
    loop: LoopSettings = LOOP,
    bounds: AssemblyLimits | None = None,
    stop_when: Callable[[Progress], bool] | None = None,
) -> Outcome:
    """Pack the links into `out`; each entry's name is its position. Raises Hung.

    `stop_when` interrupts the run as ctrl-C does.
    """
    stop = threading.Event()
    hung = threading.Event()

    def give_up() -> None:
        hung.set()
        stop.set()

    def watch(progress: Progress) -> None:
        if stop_when is not None and stop_when(progress):
            stop.set()

    sources = [Source(position, link, str(position)) for position, link in enumerate(links)]
    rules = AddressRules(
        allow_networks=parse_networks("127.0.0.0/8"), allow_ports=parse_ports("1-65535")
    )
    bounds = bounds or AssemblyLimits(max_file_bytes=loop.limits.max_bytes, min_free_bytes=0)
    timer = threading.Timer(BOUND, give_up)
    timer.start()
    try:
        with SharedResources(rules, loop, bounds) as resources:
            packed = pack(
                sources, out, resources, stop, on_error=OnError.SKIP, watch=watch, interval=0.02
            )
    finally:
        timer.cancel()
    if hung.is_set():
        raise Hung
    return Outcome(packed, {} if packed.size is None else read(out))


def read(archive: Path) -> dict[str, bytes]:
    """Read every entry; the ZIP reader checks each CRC-32."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
