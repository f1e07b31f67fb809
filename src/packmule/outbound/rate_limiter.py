"""Hold the bytes that arrive to a rate: over all transfers of a loop, and over those of one host.

Owns the arithmetic. A bucket fills with `rate` bytes per second and may go into debt: bytes are
counted when they have come, since libcurl hands them over in blocks. While it is in debt, the
caller is told when it will not be. Leaves pausing to `transfer_handle.py` and `transfer_loop.py`.
Pure: the caller passes in the clock.

libcurl's own limit (CURLOPT_MAX_RECV_SPEED_LARGE) is for one transfer, and does not bound the sum.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from packmule.outbound.host_limits import limit_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packmule.outbound.host_limits import HostLimit

_BURST = 0.25
"""Seconds of the rate that may come at once after a rest."""


class RateLimiter:
    """A token bucket; `rate` is in bytes per second."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._left = 0.0
        self._at: float | None = None

    def take(self, size: int, now: float) -> None:
        """Count bytes that have come."""
        self._fill(now)
        self._left -= size

    def ready_at(self, now: float) -> float:
        """Return when the next bytes may come: `now` if at once."""
        self._fill(now)
        return now if self._left >= 0 else now - self._left / self.rate

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._left = min(self.rate * _BURST, self._left + (now - self._at) * self.rate)
        self._at = now


class SharedRate:
    """What one transfer keeps to: the bucket of its host, the bucket of all, or both."""

    def __init__(self, buckets: Sequence[RateLimiter]) -> None:
        self._buckets = buckets
        self.rate = min(bucket.rate for bucket in buckets)

    def take(self, size: int, now: float) -> None:
        """Count bytes that have come."""
        for bucket in self._buckets:
            bucket.take(size, now)

    def ready_at(self, now: float) -> float:
        """Return when the next bytes may come: `now` if at once."""
        return max(bucket.ready_at(now) for bucket in self._buckets)


class RateLimits:
    """The rates of one loop; `max_rate` is that of all its transfers, 0 if it has no bound."""

    def __init__(self, max_rate: float, host_limits: Mapping[str, HostLimit]) -> None:
        self._of_all = [RateLimiter(max_rate)] if max_rate else []
        self._host_limits = host_limits
        self._of_hosts: dict[str, RateLimiter] = {}  # as many as there are limits
        self.of = lru_cache(maxsize=1024)(self._of)
        """Return what a transfer from this host keeps to; None if nothing bounds it."""

    def _of(self, host: str) -> SharedRate | None:
        buckets = [*self._of_all]
        found = limit_for(host, self._host_limits)
        if found is not None and found[1].rate:
            name, limit = found
            buckets.append(self._of_hosts.setdefault(name, RateLimiter(limit.rate)))
        return SharedRate(buckets) if buckets else None
