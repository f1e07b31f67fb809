"""The name that a URL announces, and what its extension is worth.

Owns finding a file's name in a URL's path: which segment it is, its text, and what behind it is not
part of it. Leaves making the name safe to `zipformat.names`. Pure. Law: RFC 3986 3.3; where servers
differ from it, the public reports in `docs/field-cases.md`.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from packmule.assembly.names.charsets import readable
from packmule.assembly.names.extensions import KNOWN_EXTENSIONS
from packmule.zipformat.names import split_extension

# A path parameter, as servlets append it to any URL (RFC 3986 3.3).
_SESSION: Final = re.compile(r";jsessionid=.*", re.IGNORECASE | re.DOTALL)
# `.jpg:large`, `.jpg!w800`, `.jpg@640w`, `.pdf&download=1`: a service's own suffix.
_SUFFIX: Final = re.compile(r"(?P<name>[^:!@&]*\.(?P<extension>[A-Za-z0-9]{1,12}))[:!@&][^.]*\Z")
_NUMBERED: Final = re.compile(r"(\.[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*)(?:\.[0-9]{1,5}){1,3}\Z")
_UUID: Final = re.compile(r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)
_DIGEST: Final = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)
# `…/archive.tar.gz/download`: the file's name is the segment before.
_VERBS: Final = frozenset(
    {
        "attachment", "content", "contents", "data", "dl", "download", "file", "get", "original",
        "raw",
    }
)  # fmt: skip
SCRIPTS: Final = frozenset(
    {
        ".action", ".ashx", ".asmx", ".asp", ".aspx", ".axd", ".cfm", ".cgi", ".dll", ".do",
        ".fcgi", ".jsp", ".jspa", ".jspx", ".mvc", ".php", ".php3", ".php4", ".php5", ".phtml",
        ".pl",
    }
)  # fmt: skip


def name_in_url(url: str) -> str:
    """Return the file name in a URL's path, decoded; empty where the path names nothing.

    Escapes that are not UTF-8 are read by what they look like, as raw bytes in a header are.
    """
    path = url.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")[2]
    found = (_decoded(segment) for segment in reversed(path.split("/")))
    segments = (segment for segment in found if segment.strip(" ."))
    name = next(segments, "")
    if name.lower() in _VERBS:
        before = next(segments, "")
        if is_known_extension(split_extension(before)[1]):
            return before
    return name


def has_real_extension(name: str) -> bool:
    """Return whether a name tells a file's type: by its extension, or by one before a number.

    `a.7z.001` is a volume of an archive, `a.log.1` an older log.
    """
    extension = split_extension(name)[1]
    if extension.strip(".0123456789"):
        return is_real_extension(extension)
    numbered = _NUMBERED.search(name)
    return numbered is not None and is_known_extension(numbered[1])


def is_real_extension(extension: str) -> bool:
    """Return whether an extension (with its dot) tells a file's type.

    `.php` tells what made the file, `.01234` is part of a number or a date.
    """
    return extension.strip(".0123456789") != "" and extension.lower() not in SCRIPTS


def is_known_extension(extension: str) -> bool:
    """Return whether an extension (with its dot) is one of a file type that is known here."""
    last = extension.lower().rpartition(".")[2]
    return f".{last}" in KNOWN_EXTENSIONS


def is_random(stem: str) -> bool:
    """Return whether a name without its extension is only an identifier: a UUID or a digest."""
    return bool(_UUID.fullmatch(stem) or _DIGEST.fullmatch(stem))


def _decoded(segment: str) -> str:
    if "%" in segment:
        segment = readable(unquote_to_bytes(segment.encode(errors="replace")))
    segment = _SESSION.sub("", segment)
    found = _SUFFIX.fullmatch(segment)
    if found is not None and is_known_extension("." + found["extension"]):
        return found["name"]
    return segment
