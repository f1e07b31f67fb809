"""Redact what looks like a secret from log lines.

Owns the patterns: a URL's user info, query and fragment, a bearer key, a webhook's secret. A safety
net under the rule that nobody logs these: the text of a library's exception may contain what the
library was given.
"""

from __future__ import annotations

import re

_REDACTED = "…"
# The part of a URL before its path, and what may follow the path.
_USER_INFO = re.compile(r"(?<=://)[^\s/?#@'\"<>]+@")
_QUERY = re.compile(r"((?:\b[a-z][a-z0-9+.-]*:/)?/[^\s?#'\"<>]*)[?#][^\s'\"<>]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[^\s'\",]+", re.IGNORECASE)
_WEBHOOK = re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+")


def redact(text: str) -> str:
    """Return a line without what looks like a secret."""
    if "/" in text:
        text = _USER_INFO.sub(f"{_REDACTED}@", text)
        text = _QUERY.sub(rf"\1?{_REDACTED}", text)
    if "whsec_" in text:
        text = _WEBHOOK.sub(f"whsec_{_REDACTED}", text)
    return _BEARER.sub(rf"\1 {_REDACTED}", text)
