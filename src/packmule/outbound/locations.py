r"""Read a redirect's Location as browsers read it.

Owns the repairs that browsers make before they resolve it (WHATWG URL 4.4): blanks around it and
tabs inside are dropped, `\` counts as `/`, and any number of slashes may stand before a host. A
user name is dropped and never sent. Leaves resolving the result, and the strict reading of what it
leads to, to `urls.py`: what comes out passes the same checks as any link. Pure.

    http:/x           on the same scheme: the path /x of the same host
    https:///host/x   https://host/x
    //user@host/x     https://host/x
    \\host\x?a\b      https://host/x?a%5Cb
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packmule.outbound.urls import MAX_URL_LENGTH, UrlInvalid, join

if TYPE_CHECKING:
    from packmule.outbound.urls import Url

_AROUND = "".join(map(chr, range(0x21)))
_INSIDE = str.maketrans("", "", "\t\r\n")
_SCHEME = re.compile(r"(https?):", re.IGNORECASE)
_PATH_END = re.compile(r"[?#]")


def read_location(base: Url, value: str, *, max_length: int = MAX_URL_LENGTH) -> Url:
    """Return where a Location leads from the URL that was requested. Raises UrlInvalid.

    `value` is the field as Latin-1 text. Bytes that are not UTF-8 are sent back as they came.
    """
    if len(value) > max_length:
        raise UrlInvalid(f"the link is longer than {max_length} characters")
    text = value.encode("latin-1").decode(errors="surrogateescape")
    text = text.translate(_INSIDE).strip(_AROUND)
    end = _PATH_END.search(text)
    front, rest = (text[: end.start()], text[end.start() :]) if end is not None else (text, "")
    if "\\" in front and "@" in front:
        # The classic disguise: which of two hosts is meant depends on the parser.
        raise UrlInvalid("the link contains both a backslash and an @")
    front = front.replace("\\", "/")
    scheme = _SCHEME.match(front)
    if scheme is None:
        front = _with_host(front) if front.startswith("//") else front
    else:
        name, behind = scheme[1].lower(), front[scheme.end() :]
        inside = name == base.scheme and not behind.startswith("//")
        front = behind if inside else f"{name}:{_with_host(behind)}"
    return join(base, front + rest.replace("\\", "%5C"), max_length=max_length)


def _with_host(text: str) -> str:
    """Return what stands behind a scheme as `//host/path`, without a user name."""
    authority, slash, path = text.lstrip("/").partition("/")
    return f"//{authority.rpartition('@')[2]}{slash}{path}"
