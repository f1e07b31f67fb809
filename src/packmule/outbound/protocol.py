"""Choose the HTTP version for a host: HTTP/2 for many small files of a near host, else HTTP/1.1.

Owns that one choice, made from the sizes seen, the files waiting and how long the quickest
connection took to be made, which is a round trip. To a near host the time goes into handshakes and
processing, and over TLS HTTP/2 halves the cost of small files because they share connections; big
bodies cost a third more. To a far host the time goes into round trips: files that share a
connection share its congestion window as well, which one lost packet halves for all of them
(docs/decisions/0054). Pure.

While nobody knows how far a host is, it is asked for HTTP/2 if few files are fetched at once: the
first round of requests takes as long either way, and a connection for HTTP/1.1 would be reused for
what could be sent by HTTP/2. Where many may be fetched at once from the beginning, each has its own
connection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MANY = 16
"""So many files must wait for HTTP/2 to be worth its handshake."""

NEAR = 0.01
"""Seconds: a host to which a connection was made within them is near."""

SMALL, BIG = 256 * 1024, 1024 * 1024
"""Mean sizes in bytes: below the first HTTP/2 is chosen, from the second on it is left."""

STREAMS = 16
"""Transfers that share one HTTP/2 connection at most."""

_WEIGHT = 0.125


@dataclass(slots=True)
class ProtocolChoice:
    """What is known of one host: the mean size of its files, and whether HTTP/2 works.

    `round_trip` is the shortest seen, in seconds; infinite before the first.
    """

    mean: float | None = None
    round_trip: float = math.inf
    refused: bool = False
    chosen: bool = False

    def http2(self, waiting: int, at_once: float = 1) -> bool:
        """Return whether the next transfer should use HTTP/2, with `waiting` more behind it.

        `at_once` is how many transfers the host gets at once.
        Once chosen, HTTP/2 stays until bodies are big, because its connections are open.
        """
        if self.refused or self.is_far or (at_once > MANY and not self.is_known):
            return False
        mean = self.mean
        if mean is None:
            self.chosen = self.chosen or waiting >= MANY
        elif self.chosen:
            self.chosen = mean < BIG
        else:
            self.chosen = mean < SMALL and waiting >= MANY
        return self.chosen

    @property
    def is_known(self) -> bool:
        """Return whether it is known how far the host is."""
        return self.round_trip < math.inf

    @property
    def is_far(self) -> bool:
        """Return whether even the quickest connection took long to be made."""
        return NEAR < self.round_trip < math.inf

    def connected(self, seconds: float) -> None:
        """Record how long it took to make a connection."""
        self.round_trip = min(self.round_trip, seconds)

    def saw(self, size: int) -> None:
        """Record the size of a whole body, in bytes."""
        mean = self.mean
        self.mean = float(size) if mean is None else mean + (size - mean) * _WEIGHT

    def refuse(self) -> None:
        """Never use HTTP/2 again: the host does not offer it, or it failed."""
        self.refused = True
