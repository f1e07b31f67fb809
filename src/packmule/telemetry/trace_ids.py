"""What a trace is known by: the ids made from a job's hash, and the request that created the job.

A job's trace is found by its hash, in every process, without anything being stored: both its ID
and that of its first span are digests of the hash (docs/decisions/0019-traces.md). The hash itself
opens the archive, and can't be found from its digest.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class TraceIds(NamedTuple):
    """The IDs of a job's trace and of its first span."""

    trace: int
    span: int


class RequestStart(NamedTuple):
    """When a request began (nanoseconds since the epoch), and the trace it is part of."""

    begun: int
    traceparent: str | None


def ids_of(hash_: str) -> TraceIds:
    """Return the IDs of a job's trace."""
    digest = hashlib.sha256(f"packmule trace {hash_}".encode()).digest()
    return TraceIds(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]))
