"""The lines of checksums that `sha256sum -c` and BagIt read.

Owns their form. Pure. Names of entries have no line feed, no carriage return and no backslash
(`zipformat.names`), so none need be escaped as `sha256sum` would.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from packmule.jobs.receipts import receipt_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packmule.assembly.done_entries import DoneEntries
    from packmule.assembly.own_entry import OwnEntry
    from packmule.jobs.model import DoneEntry


def sums(own: Iterable[OwnEntry], done: DoneEntries) -> bytes:
    """Return the checksums of all files, then of our own entries."""
    lines = [line(digest_of(one), one.name) for one in done.by_position()]
    lines += [line(sha256(one.body).hexdigest(), one.name) for one in own]
    return "".join(lines).encode()


def line(digest: str, name: str) -> str:
    """Return the line of one file."""
    return f"{digest}  {name}\n"


def digest_of(entry: DoneEntry) -> str:
    """Return the SHA-256 of a packed file."""
    assert entry.receipt is not None  # noqa: S101 - every file of a job with a manifest has one
    return receipt_of(entry.receipt).sha256
