"""Text that every job database can hold.

Owns the rule and its words. PostgreSQL's `text` holds no NUL character
(https://www.postgresql.org/docs/current/datatype-character.html), and neither database half of a
surrogate pair, which UTF-8 has no bytes for. SQLite would take a NUL, and such a job could never be
moved: so the rule is one for both. Pure, standard library only.
"""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def why_unstorable(text: str) -> str | None:
    """Return what is wrong with a text, as the end of a sentence about it; None if it is fine."""
    found = _UNSTORABLE.search(text)
    if found is None:
        return None
    if found[0] == "\0":
        return "has a NUL character in it: remove it"
    return "has half a character (a lone surrogate) in it: write it in UTF-8"


def storable(text: str) -> str:
    """Return the text with U+FFFD for each character that cannot be kept: what others wrote."""
    return _UNSTORABLE.sub("\ufffd", text)
