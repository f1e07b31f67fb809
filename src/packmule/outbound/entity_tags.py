"""Entity tags: which of them name one version byte by byte (RFC 9110 8.8.3). Pure."""

from __future__ import annotations

import re

_STRONG = re.compile(r'"[!#-~\x80-\xff]*"')


def is_strong(tag: str | None) -> bool:
    """Return whether a tag is well-formed and strong, so that it may stand in If-Range."""
    return tag is not None and _STRONG.fullmatch(tag) is not None
