"""What the caller says of a file before it is fetched: its digests and its size.

Owns the value, its check and its form in the job database. Leaves comparing it with what came to
`assembly`. Pure, and quick to import.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from packmule.errors import UsageError

SHA256_PATTERN = "^[0-9A-Fa-f]{64}$"
MD5_PATTERN = "^[0-9A-Fa-f]{32}$"
MAX_SIZE = 2**63 - 1


class Expected(NamedTuple):
    """Digests in lower-case hexadecimal digits, and the size in bytes; None where not given."""

    sha256: str | None = None
    md5: str | None = None
    size: int | None = None


def expected(
    sha256: str | None = None, md5: str | None = None, size: int | None = None
) -> Expected | None:
    """Check what was given with a link; None where nothing was. Raises UsageError, as a phrase."""
    if sha256 is None and md5 is None and size is None:
        return None
    if sha256 is not None and not re.match(SHA256_PATTERN, sha256):
        raise UsageError("sha256 must be 64 hexadecimal digits")
    if md5 is not None and not re.match(MD5_PATTERN, md5):
        raise UsageError("md5 must be 32 hexadecimal digits")
    if size is not None and not 0 <= size <= MAX_SIZE:
        raise UsageError("size must be a whole number of bytes")
    return Expected(sha256 and sha256.lower(), md5 and md5.lower(), size)


def expected_text(value: Expected | None) -> str | None:
    """Return it as the job database keeps it."""
    return None if value is None else json.dumps(value, separators=(",", ":"))


def expected_of(text: str | None) -> Expected | None:
    """Read what `expected_text` wrote."""
    return None if text is None else Expected(*json.loads(text))
