"""Which HTTP to speak with a host: HTTP/2 for many small files, HTTP/1.1 for big bodies.

Owns that one choice, from sizes seen and files waiting. Over TLS, HTTP/2 halves the cost of small
files, for they share one connection; of big bodies it costs a third more. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

MANY = 16
"""Files waiting from which on an unknown host is asked for HTTP/2: many files are mostly small."""

SMALL, BIG = 256 * 1024, 1024 * 1024
"""Mean sizes, in bytes, at which the choice turns one way and the other."""

_WEIGHT = 0.125


@dataclass(slots=True)
class Protocol:
    """What is known of one host: the mean of its files' sizes, and whether HTTP/2 goes well."""

    mean: float | None = None
    refused: bool = False
    chosen: bool = False

    def http2(self, waiting: int) -> bool:
        """Choose for the next transfer, with `waiting` more behind it.

        Once HTTP/2 is spoken it stays until bodies are big, because its connection is open.
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
        """Note how long a whole body was, in bytes."""
        mean = self.mean
        self.mean = float(size) if mean is None else mean + (size - mean) * _WEIGHT

    def refuse(self) -> None:
        """Never again ask for HTTP/2: the host does not offer it, or it broke."""
        self.refused = True
