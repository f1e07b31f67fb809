"""Look up the names of the hosts that a job asks next, so that no transfer waits for its name.

Owns which names those are. The answers go to the resolver's cache, under the same turns and bounds
as every look-up; a transfer that finds nothing there asks again.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from packmule.outbound.lookup_turns import Asker

if TYPE_CHECKING:
    from packmule.outbound.job_queue import JobQueue
    from packmule.outbound.resolver import Resolution, Resolver

AHEAD = 16
"""Hosts: as many as a client's look-ups take two rounds for."""


def look_ahead(queue: JobQueue, resolver: Resolver) -> None:
    """Begin to look up the hosts whose turn is next, each once in a job's life."""
    if len(queue.host_rotation) <= 1:
        return
    for _, host, port in islice(queue.host_rotation, AHEAD):
        if host not in queue.looked_up:
            queue.looked_up.add(host)
            resolver.resolve(host, port, _ignore, Asker(queue.client, queue))


def _ignore(_resolution: Resolution) -> None:
    """Let the answer be cached."""
