"""What a trace is known by: the ids made from a job's hash, and the request that created the job.

A job's trace is found by its hash, in every process, without anything being stored: both its ID
and that of its first span are digests of the hash (docs/decisions/0019-traces.md). The hash itself
opens the archive, and can't be found from its digest.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

# https://www.w3.org/TR/trace-context/#traceparent-header, version 00: trace, span, flags.
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


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


def callers_trace(traceparent: str | None) -> str | None:
    """Return the trace that a request is part of; None if its header names none."""
    found = TRACEPARENT.fullmatch(traceparent or "")
    return None if found is None else found[1]
