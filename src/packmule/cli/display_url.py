"""How URLs are displayed: without secrets, and safe to print to a terminal."""

from __future__ import annotations

import re

from packmule.cli.tables import harmless


def display_url(url: str) -> str:
    """Return a URL without its query, user name and password."""
    return harmless(re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0]))
