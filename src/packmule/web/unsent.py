"""What the kernel still has to send of answers that were given whole.

Owns looking at it and waiting for it. On a machine it is sent although the process has ended; but a
container's network goes with its first process, and with it the last megabytes of a download.
Where the system does not show /proc/net/tcp (proc(5)), nothing is waited for.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

# Longer than any client that reads needs for what a kernel holds; one that does not read gets what
# it can get.
_LONGEST_WAIT = 10.0
_LOOK_EVERY = 0.02
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"


def unsent_bytes(port: int) -> int:
    """Count the bytes to whoever is connected to a port here that have not been acknowledged."""
    total = 0
    for table in _TABLES:
        with suppress(OSError):
            for line in table.read_text(encoding="ascii").splitlines()[1:]:
                _, local, _, state, queues = line.split()[:5]
                if state != _LISTENS and int(local.rpartition(":")[2], 16) == port:
                    total += int(queues.partition(":")[0], 16)
    return total


async def all_sent(port: int) -> None:
    """Return when all is sent, or after ten seconds."""
    deadline = time.monotonic() + _LONGEST_WAIT
    while unsent_bytes(port) and time.monotonic() < deadline:  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(_LOOK_EVERY)
