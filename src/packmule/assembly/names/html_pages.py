"""Whether a page came where media was asked for: a login, a block or an error with status 200.

Owns which names announce media. Leaves what becomes of such a page to the job's `on_html`. Law: the
media types that Python ships for extensions, without the system's own lists.
"""

from __future__ import annotations

import mimetypes
from functools import cache

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
# Of these nobody can say that a page in their place is wrong.
_TEXTUAL = ("text/", "message/")
_TEXTUAL_SUFFIXES = ("+xml", "+json", "/xml", "/json", "/javascript", "/x-httpd-php", "/x-sh")
_NEWER = {".avif", ".heic", ".heif", ".jxl", ".webp", ".opus", ".flac", ".m4a", ".m4v", ".mkv"}
_NEWER |= {".7z", ".rar", ".xz", ".zst", ".gz", ".bz2", ".docx", ".xlsx", ".pptx", ".epub"}


def is_page_for_media(content_type: str | None, name: str) -> bool:
    """Return whether an answer is a page, and the entry's name announces something else.

    `content_type` is the media type without its parameters, in lower case.
    """
    return content_type in _PAGES and _announces_media(name)


def _announces_media(name: str) -> bool:
    name = name.rpartition("/")[2].lower()
    stem, dot, extension = name.rpartition(".")
    if not (stem and dot):
        return False
    if f".{extension}" in _NEWER:
        return True
    kind = _library().types_map[True].get(f".{extension}")
    if kind is None or kind.startswith(_TEXTUAL):
        return False
    return not kind.endswith(_TEXTUAL_SUFFIXES)


@cache
def _library() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()
