"""How links are shown: without what may be secret in them, and harmless to a terminal."""

from __future__ import annotations

import re

from packmule.cli.tables import harmless


def display_url(url: str) -> str:
    """Give a link without its query, and without a user's name and password."""
    return harmless(re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0]))
