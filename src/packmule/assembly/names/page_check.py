"""Whether what a server sends is the file that the link announced, judged by its first bytes.

Owns what a link announces, and recognising what comes in a file's place: a web page, a message, a
Git LFS pointer, nothing. Leaves known viewers to `viewer_pages`, and what becomes of the file to
the job's `on_html`. Pure. Law: the MIME Sniffing Standard 7.1 for HTML; the Git LFS specification
for pointers; what names announce is the table of media types that Python ships.
"""

from __future__ import annotations

import mimetypes
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from packmule.assembly.names.url_names import (
    SCRIPTS,
    is_known_extension,
    is_real_extension,
    name_in_url,
)
from packmule.errors import WarningCode
from packmule.zipformat.names import split_extension

if TYPE_CHECKING:
    from packmule.jobs.model import Source

FIRST_BYTES = 1024
"""How many bytes of a body are looked at."""
PAGE_BYTES = 16 * 1024
"""The same of a page, where what it is may stand behind styles and scripts."""

_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_ANNOUNCE_PAGES: Final = SCRIPTS | {".htm", ".html", ".mht", ".mhtml", ".shtml", ".xht", ".xhtml"}
# Text that may begin like a page although it is none: only the media type tells.
_MARKUP: Final = frozenset(
    {
        ".asc", ".ejs", ".eml", ".erb", ".hbs", ".j2", ".js", ".log", ".markdown", ".md", ".opf",
        ".rst", ".svelte", ".svg", ".text", ".tmpl", ".tpl", ".txt", ".vue", ".warc", ".xml",
        ".xsl", ".xslt",
    }
)  # fmt: skip
_BINARY: Final = ("image/", "audio/", "video/", "font/")
_TEXT_IN_BINARY: Final = frozenset({".svg", ".xbm", ".xpm", ".ppm", ".pgm", ".pbm", ".m3u", ".pls"})
_BINARY_TYPES: Final = frozenset(
    {
        "application/epub+zip", "application/gzip", "application/java-archive", "application/pdf",
        "application/vnd.rar", "application/x-bzip2", "application/x-tar", "application/x-xz",
        "application/zip",
    }
)  # fmt: skip
_BINARY_EXTENSIONS: Final = frozenset(
    {
        ".7z", ".apk", ".bz2", ".dmg", ".docx", ".gguf", ".gz", ".heic", ".iso", ".parquet",
        ".pptx", ".rar", ".safetensors", ".tgz", ".webp", ".xlsx", ".xz", ".zst",
    }
)  # fmt: skip
_HTML: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->|<\?xml[^>]*>)*+"
    rb"<(?:!doctype\s+html|html|head|title|script|body|iframe|meta)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_LFS_POINTER: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\r?\n(?:.*\n)*oid sha256:"
)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")


def is_page(content_type: str | None) -> bool:
    """Return whether a media type (lower case, without parameters) is a web page's."""
    return content_type in _PAGES


def announces_page(source: Source, announced: str | None = None) -> bool:
    """Return whether a web page is what the caller asked for.

    By the first that has a real extension: the caller's name, the name that the response announced,
    the URL. A URL without a file name asks for a page; one without an extension does not.
    """
    in_url = name_in_url(source.url)
    for name in (source.name, announced, in_url):
        extension = split_extension(name or "")[1].lower()
        if extension in _ANNOUNCE_PAGES:
            return True
        if is_real_extension(extension):
            return False
    path = source.url.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")[2]
    return source.name is None and (path == "" or path.endswith("/"))


def announces_file(name: str) -> bool:
    """Return whether a name's extension is one of a file type, and not of web pages."""
    extension = split_extension(name)[1].lower()
    return is_known_extension(extension) and extension not in _ANNOUNCE_PAGES


def unexpected(
    source: Source,
    name: str,
    content_type: str | None,
    first: bytes,
    *,
    announced: str | None = None,
    is_whole: bool = False,
) -> WarningCode | None:
    """Return what came in the file's place; None if nothing speaks against the file.

    `name` is the entry's, `announced` the one in Content-Disposition; `first` are the body's first
    bytes, all of them if `is_whole`.
    """
    extension = split_extension(name)[1].lower()
    if not first:
        return WarningCode.EMPTY_FILE if is_whole and _is_binary(extension) else None
    if is_page(content_type):
        return None if announces_page(source, announced) else WarningCode.HTML_PAGE
    if _LFS_POINTER.match(first) and len(first) < FIRST_BYTES:
        return WarningCode.LFS_POINTER
    if _HTML.match(first) and extension not in _MARKUP and not announces_page(source, announced):
        return WarningCode.HTML_PAGE
    if is_whole and _is_text(first) and _is_binary(extension):
        return WarningCode.UNEXPECTED_TEXT
    return None


def _is_text(data: bytes) -> bool:
    if b"\0" in data:  # nearly every file that is none
        return False
    try:
        return _UNPRINTABLE.search(data.decode()) is None
    except UnicodeDecodeError:
        return False


def _is_binary(extension: str) -> bool:
    if extension in _TEXT_IN_BINARY:
        return False
    kind = _library().types_map[True].get(extension, "")
    return kind.startswith(_BINARY) or kind in _BINARY_TYPES or extension in _BINARY_EXTENSIONS


@cache
def _library() -> mimetypes.MimeTypes:
    # A table of its own begins with what Python ships, and with nothing the system adds.
    return mimetypes.MimeTypes()
