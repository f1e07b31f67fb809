"""Repeat a request that stays silent: its connection may be dead, and nobody tells.

Owns when that is due. A request for a small file is repeated once, on a new connection, when the
host has said nothing for two seconds and for longer than nearly all its responses take to begin. At
most one in twenty requests to a host is. A host that counts downloads is asked once only: a repeat
might count. Leaves looking at the transfers to `stall_detector.py`, and a new connection to
`transfer_handle.py`. Pure. The idea is that of hedged requests: J. Dean, L. A. Barroso, "The Tail
at Scale", Communications of the ACM 56 (2), 2013.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

LEAST_SECONDS = 2.0
"""Seconds of silence before which nothing is repeated."""
SMALL_FILE = 1024 * 1024
"""Bytes: where a host's files are larger on average, a repeat costs too much."""
_REMEMBERED = 100
_LEAST_KNOWN = 20  # responses, before which it is not known what is usual
_USUAL = 0.95  # of the responses begin within this time
_REQUESTS_A_REPEAT = 20

# Fields of hosts that count what a client asks for: the IETF's draft, and those used before it.
_COUNTING_FIELDS = ("ratelimit", "ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit")


class ResponseWaits:
    """How long a host's responses have taken to begin, and how many requests were repeated."""

    __slots__ = ("_latest", "_repeated", "_responses", "counts_downloads")

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=_REMEMBERED)
        self._responses = 0
        self._repeated = 0
        self.counts_downloads = False

    def __repr__(self) -> str:
        counting = " counts downloads" if self.counts_downloads else ""
        return f"<ResponseWaits {self._responses}, repeated={self._repeated}{counting}>"

    def note(self, seconds: float) -> None:
        """Record how long a response took to begin."""
        self._responses += 1
        self._latest.append(seconds)

    def may_repeat(self, seconds: float) -> bool:
        """Return whether a request that has been silent for so long may be repeated."""
        if seconds < LEAST_SECONDS or self.counts_downloads or self._responses < _LEAST_KNOWN:
            return False
        if (self._repeated + 1) * _REQUESTS_A_REPEAT > self._responses:
            return False
        usual = sorted(self._latest)[int(len(self._latest) * _USUAL)]
        return seconds > usual

    @property
    def quickest(self) -> float:
        """Return how long the quickest of the latest responses took to begin."""
        return min(self._latest, default=0.0)

    def repeated(self) -> None:
        """Count a repeat."""
        self._repeated += 1


def says_it_counts(fields: Container[str]) -> bool:
    """Return whether a response with these fields is of a host that counts requests."""
    return any(map(fields.__contains__, _COUNTING_FIELDS))
