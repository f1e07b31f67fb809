"""A worker that is frozen past its lease, overtaken, and woken: it harms nothing.

Real processes, real SIGSTOP and SIGCONT, and a lease of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.kills.bodies import Body
from tests.kills.origin import Thing
from tests.kills.workers import until

if TYPE_CHECKING:
    from tests.kills.origin import Origin
    from tests.kills.workers import Site

LEASE = 1.0
MIB = 1 << 20


@pytest.fixture
def names(origin: Origin) -> tuple[str, ...]:
    """Put three files, each of which stops in the middle until it is let go."""
    names = ("a.bin", "b.bin", "c.bin")
    for seed, name in enumerate(names):
        origin.put(f"/{name}", Thing(Body(seed, 6 * MIB), hold_at=4 * MIB))
    return names


def wanted(origin: Origin, names: tuple[str, ...]) -> dict[str, Body]:
    return {name: origin.things[f"/{name}"].body for name in names}


@pytest.mark.long
def test_blocks_written_late_do_not_reach_the_archive(
    origin: Origin, site: Site, names: tuple[str, ...]
) -> None:
    a, b, c = (origin.things[f"/{name}"] for name in names)
    # The first worker gives B the place behind A, and is frozen before it can tell anybody.
    c.latency = 60.0
    b.hold_at = 1 * MIB
    key = site.create([origin.url(f"/{name}") for name in names])
    a.latency, b.latency = 0.0, 1.5
    frozen = site.worker(LEASE)
    until(lambda: b.sent >= 1 * MIB, "B has its place")
    frozen.freeze()
    # What it will find when it wakes up: the rest of B, received meanwhile.
    b.held.set()
    # The second one gives that place to C.
    b.latency, c.latency = 60.0, 0.0
    other = site.worker(LEASE)
    until(lambda: c.sent >= 4 * MIB, "C has the place")
    until(lambda: site.job(key).progress.bytes_done >= 8 * MIB, "its bytes are written")
    frozen.wake()
    until(lambda: "overtaken" in site.log, "the first one has noticed")
    b.latency = 0.0
    other.kill()  # so that B is asked for again without waiting for a minute
    for thing in (a, b, c):
        thing.held.set()
    site.worker(LEASE)
    assert site.faults(key, wanted(origin, names)) == []
    assert site.scratch() == []
