"""Choose the HTTP version for a host: HTTP/2 for many small files, HTTP/1.1 for big bodies.

Owns that one choice, made from the sizes seen and the files waiting. Over TLS, HTTP/2 halves the
cost of small files because they share one connection; big bodies cost a third more. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

MANY = 16
"""With so many files waiting, an unknown host is asked for HTTP/2: many files are mostly small."""

SMALL, BIG = 256 * 1024, 1024 * 1024
"""Mean sizes in bytes: below the first HTTP/2 is chosen, from the second on it is left."""

STREAMS = 4
"""Transfers that share one HTTP/2 connection: each connection has its own congestion window, and
with all of them in one a lost packet halts them all."""

_WEIGHT = 0.125


@dataclass(slots=True)
class ProtocolChoice:
    """What is known of one host: the mean size of its files, and whether HTTP/2 works."""

    mean: float | None = None
    refused: bool = False
    chosen: bool = False

    def http2(self, waiting: int) -> bool:
        """Return whether the next transfer should use HTTP/2, with `waiting` more behind it.

        Once chosen, HTTP/2 stays until bodies are big, because its connection is open.
        """
        if self.refused:
            return False
        mean = self.mean
        if mean is None:
            self.chosen = self.chosen or waiting >= MANY
        elif self.chosen:
            self.chosen = mean < BIG
        else:
            self.chosen = mean < SMALL and waiting >= MANY
        return self.chosen

    def saw(self, size: int) -> None:
        """Record the size of a whole body, in bytes."""
        mean = self.mean
        self.mean = float(size) if mean is None else mean + (size - mean) * _WEIGHT

    def refuse(self) -> None:
        """Never use HTTP/2 again: the host does not offer it, or it failed."""
        self.refused = True
