"""Rate limits: how often each client may send a request, in a table of bounded size.

Owns the format of a rate and the counting. Pure: the clock is passed in. Leaves who a client is,
and the response, to `auth.py`.

Uses the generic cell rate algorithm (ITU-T I.371 A): a token bucket kept as one number per client,
the moment at which its bucket will be full again. `60/min` allows 60 requests at once, then one per
second.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CLIENTS = 20_000
"""Clients that are remembered at once, some 200 bytes each."""

NETWORK_FACTOR = 16
"""How many times the rate of a client a whole network of clients may have."""

_RATE = re.compile(r"([1-9][0-9]{0,6})\s*/\s*(s|min|h)", re.IGNORECASE)
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    count: int
    seconds: int


def parse_rate(text: str) -> Rate | None:
    """Parse `60/min`, `5/s` or `1000/h`; `off` is None. Raises ValueError."""
    if text.lower() == "off":
        return None
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not a valid rate; use a form like 60/min, 5/s or 1000/h, or off"
        )
    return Rate(int(found[1]), _SECONDS[found[2].lower()])


class RateLimit:
    """Counts requests by client, for one thread. `clock` returns seconds and never runs back.

    Someone with many addresses in one network would be as many clients. So a network has a bucket
    too, of `NETWORK_FACTOR` times the rate.
    """

    def __init__(
        self,
        rate: Rate,
        clock: Callable[[], float] = time.monotonic,
        *,
        most_clients: int = MOST_CLIENTS,
    ) -> None:
        self._clock = clock
        self._most_clients = most_clients
        self._rate = rate
        # Client: when its bucket will be full; who asked last stands at the end.
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __repr__(self) -> str:
        return f"<RateLimit: {len(self._full_at)} of {self._most_clients} clients>"

    def __len__(self) -> int:
        """Return how many clients are remembered."""
        return len(self._full_at)

    def take(self, client: str, network: str | None = None) -> float:
        """Count a request and return 0, or return the seconds until one is allowed, uncounted.

        `network` is the one that the client is in, None if it has no bucket.
        """
        now = int(self._clock() * _NANO)
        buckets = [(client, 1)] if network is None else [(client, 1), (network, NETWORK_FACTOR)]
        early = max(self._early(name, factor, now) for name, factor in buckets)
        if early > 0:
            return early / _NANO
        for name, factor in buckets:
            self._full_at[name] = max(self._full_at.get(name, now), now) + self._interval(factor)
            self._full_at.move_to_end(name)
        self._forget(now)
        return 0.0

    def _interval(self, factor: int) -> int:
        # In whole nanoseconds: sums of them are exact, so that the last one of a burst gets in.
        return self._rate.seconds * _NANO // (self._rate.count * factor)

    def _early(self, name: str, factor: int, now: int) -> int:
        """Return the nanoseconds until this bucket allows a request; 0 or less if it does now."""
        tolerance = self._interval(factor) * (self._rate.count * factor - 1)
        return max(self._full_at.get(name, now), now) - now - tolerance

    def _forget(self, now: int) -> None:
        """Forget clients whose bucket is full, which is the same as knowing nothing about them.

        If there are too many, also forget whoever has been quiet longest: that client gets a new
        bucket early. Anyone with so many addresses has as many buckets anyway.
        """
        while self._full_at:
            client, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= self._most_clients:
                return
            del self._full_at[client]
