"""What an origin serves: objects in versions, and answers that are right.

Owns the bytes and the well-behaved half of HTTP (RFC 9110 13.1.5, 14.2, 15.3.7), from which the
scripts depart in one way each.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.origin import Exchange

PIECE = 32 * 1024


@dataclass(frozen=True)
class Version:
    """One version of an object: its bytes and its validators, as header fields."""

    data: bytes
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = "application/octet-stream"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that every answer about this version carries."""
        given = {
            "Date": "Mon, 02 Mar 2026 10:00:00 GMT",
            "ETag": self.etag,
            "Last-Modified": self.last_modified,
            "Content-Type": self.content_type,
        }
        return tuple(f"{name}: {value}" for name, value in given.items() if value is not None)

    def is_current(self, condition: str) -> bool:
        """Tell whether an If-Range names this version."""
        return condition in {"", self.etag, self.last_modified}


def version(seed: str, size: int, **validators: str | None) -> Version:
    """Make a version whose bytes are all chance, and the same each time."""
    assert " " not in seed, "it would be no entity tag"
    given: dict[str, str | None] = {"etag": f'"{seed}"', **validators}
    return Version(random.Random(seed).randbytes(size), **given)


def ranged(x: Exchange, of: Version, *, honour_if_range: bool = True) -> int:
    """Send the right head for what was asked, and tell where its body begins."""
    total = len(of.data)
    start = x.start
    if start is not None and (of.is_current(x.fields.get("if-range", "")) or not honour_if_range):
        if start >= total:
            x.head(416, f"Content-Range: bytes */{total}", "Content-Length: 0", *of.fields)
            return total
        fields = (
            f"Content-Range: bytes {start}-{total - 1}/{total}",
            f"Content-Length: {total - start}",
        )
        x.head(206, *fields, *of.fields)
        return start
    whole(x, of)
    return 0


def whole(x: Exchange, of: Version) -> None:
    """Send the head of a plain answer with the whole."""
    x.head(200, f"Content-Length: {len(of.data)}", "Accept-Ranges: bytes", *of.fields)


def send(x: Exchange, of: Version, start: int = 0, end: int | None = None) -> None:
    """Send a range of the bytes, in pieces."""
    view = memoryview(of.data)[start:end]
    for at in range(0, len(view), PIECE):
        x.body(view[at : at + PIECE])


def serve(x: Exchange, of: Version, *, honour_if_range: bool = True) -> None:
    """Answer as an origin should."""
    start = ranged(x, of, honour_if_range=honour_if_range)
    send(x, of, start)


def serve_until(x: Exchange, of: Version, stop: int) -> None:
    """Announce all that was asked for, and send only what lies before `stop`."""
    start = ranged(x, of)
    send(x, of, start, max(start, stop))
