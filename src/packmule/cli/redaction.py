"""Redact what looks like a secret from log lines.

Owns the patterns: a URL's user info, query and fragment, a bearer key, a webhook's secret, and all
of an archive's hash but its beginning, since the whole of it opens the archive. A safety net under
the rule that nobody logs these: the text of a library's exception may contain what the library was
given.
"""

from __future__ import annotations

import re

_REDACTED = "…"
# The part of a URL before its path, and the path with what may follow it. Each pattern takes time
# in proportion to the line, whatever strangers put into it: a path is matched once, query or not.
_USER_INFO = re.compile(r"(?<=://)[^\s/?#@'\"<>]+@")
_PATH_AND_QUERY = re.compile(r"(/[^\s?#'\"<>]*+)([?#][^\s'\"<>]+)?")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[^\s'\",]+", re.IGNORECASE)
_WEBHOOK = re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+")
# Exactly so many digits: a longer run, such as a SHA-256 sum, is no hash of ours.
_HASH = re.compile(r"(?<![0-9A-Za-z])([0-9a-f]{8})[0-9a-f]{24}(?![0-9A-Za-z])")


def redact(text: str) -> str:
    """Return a line without what looks like a secret, and with hashes cut to 8 digits."""
    return _HASH.sub(r"\1", redact_secrets(text))


def redact_secrets(text: str) -> str:
    """Return a line without what looks like a secret."""
    if "/" in text:
        text = _USER_INFO.sub(f"{_REDACTED}@", text)
        text = _PATH_AND_QUERY.sub(_without_query, text)
    if "whsec_" in text:
        text = _WEBHOOK.sub(f"whsec_{_REDACTED}", text)
    return _BEARER.sub(rf"\1 {_REDACTED}", text)


def _without_query(found: re.Match[str]) -> str:
    return f"{found[1]}?{_REDACTED}" if found[2] else found[1]
