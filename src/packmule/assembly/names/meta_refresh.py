"""Where a page leads by itself: `<meta http-equiv="refresh">`, which browsers follow and we do not.

Owns finding the target in a page's first bytes. Leaves what it means to `receiving`. Pure. Law: the
HTML Standard 4.2.5.3 (the refresh state).
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from packmule.assembly.names.page_check import PAGE_BYTES, announces_file
from packmule.assembly.names.url_names import name_in_url
from packmule.outbound.locations import read_location
from packmule.outbound.urls import UrlInvalid, parse

_TAG: Final = re.compile(r"<meta\s([^<>]{1,2000})>", re.IGNORECASE)
_REFRESH: Final = re.compile(r"""http-equiv\s*=\s*["']?refresh["'\s]""", re.IGNORECASE)
_CONTENT: Final = re.compile(r"""content\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_TARGET: Final = re.compile(
    r"""\s*[0-9.]*\s*[;,]\s*(?:url\s*=\s*)?["']?([^"']+)["']?\s*\Z""", re.IGNORECASE
)


def leads_to_file(url: str, first: bytes) -> str | None:
    """Return the file's link, without its query, that a page leads to; None if it leads to none.

    `url` is the page's, `first` its first bytes.
    """
    for tag in _TAG.finditer(first[:PAGE_BYTES].decode("utf-8", "replace")):
        content = _CONTENT.search(tag[1])
        if content is None or not _REFRESH.search(f"{tag[1]} "):
            continue
        target = _TARGET.match(unescape(content[1] or content[2] or ""))
        if target is None:
            return None
        return _file(url, target[1].strip())
    return None


def _file(url: str, target: str) -> str | None:
    try:
        found = read_location(parse(url), target.encode().decode("latin-1"))
    except UrlInvalid:
        return None
    return found.label if announces_file(name_in_url(found.text)) else None
