"""Bytes that the kernel has not sent yet, although the application has finished responding.

Owns counting them and waiting for them. Usually the kernel sends them even after the process ends,
but a container's network ends with its first process, and the last megabytes of a download with it.
Where the system has no /proc/net/tcp (proc(5)), nothing is waited for.
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
