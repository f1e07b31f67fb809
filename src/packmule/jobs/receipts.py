"""What a manifest tells of a packed file: its digest, its version, and when it was fetched.

Owns the value and its text, which checkpoints keep as it is: it is read once, when the archive is
finished. Pure, and quick to import.
"""

from __future__ import annotations

import json
from typing import NamedTuple


class Receipt(NamedTuple):
    """The SHA-256 in hexadecimal digits; the validators as the origin sent them; a POSIX second."""

    sha256: str
    etag: str | None
    last_modified: str | None
    fetched_at: int

    def text(self) -> str:
        """Return it as checkpoints keep it."""
        return json.dumps(self, separators=(",", ":"))


def receipt_of(text: str) -> Receipt:
    """Read what `text` wrote."""
    return Receipt(*json.loads(text))
