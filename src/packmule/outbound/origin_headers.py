"""Request headers for one origin only, such as a token that one host requires.

Owns their form, which of them may be set, and which origin gets them. A header goes to its scheme,
host and port and to nothing else, wherever redirects lead. Pure. Law: RFC 9110 5.1 and 5.5 for the
field's form, RFC 6454 4 for the origin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packmule.outbound.urls import UrlInvalid, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Origin = tuple[str, str, int]
    OriginHeaders = Mapping[Origin, tuple[bytes, ...]]

DEFAULT_FIELDS = (b"Accept: */*", b"Accept-Encoding: identity")

_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([ -~]{1,8000})")
# What a transfer itself depends on, or what has an option of its own.
_RESERVED = {
    "accept-encoding": "the bytes must come as they are",
    "connection": "it belongs to the connection",
    "content-length": "a request has no body",
    "expect": "a request has no body",
    "host": "it is the link's host",
    "if-range": "resuming needs it",
    "keep-alive": "it belongs to the connection",
    "range": "resuming needs it",
    "te": "it belongs to the connection",
    "trailer": "a request has no body",
    "transfer-encoding": "a request has no body",
    "upgrade": "it belongs to the connection",
    "user-agent": "use --user-agent",
}


def parse_origin(text: str) -> Origin:
    """Parse `example.org`, which means HTTPS, or `http://localhost:9000`. Raises ValueError."""
    try:
        url = parse(text if "://" in text else f"https://{text}")
    except UrlInvalid as error:
        raise ValueError(f"{error.detail}; use a host like example.org") from error
    if url.target != "/":
        raise ValueError("a header is for a whole host: leave out the path")
    return url.origin


def parse_field(text: str) -> bytes:
    """Parse `Name: value`. Raises ValueError, whose message never repeats the value."""
    found = _FIELD.fullmatch(text.strip())
    if found is None:
        raise ValueError("a header has the form 'Name: value', in printable ASCII")
    name, value = found.groups()
    if (reason := _RESERVED.get(name.lower())) is not None:
        raise ValueError(f"{name} cannot be set: {reason}")
    return f"{name}: {value.strip()}".encode()


def by_origin(given: Iterable[tuple[Origin, bytes]]) -> OriginHeaders:
    """Return all fields of each origin's requests: the default ones unless replaced, then these."""
    extra: dict[Origin, list[bytes]] = {}
    for origin, field in given:
        extra.setdefault(origin, []).append(field)
    return {
        origin: (*(each for each in DEFAULT_FIELDS if _name(each) not in map(_name, own)), *own)
        for origin, own in extra.items()
    }


def _name(field: bytes) -> bytes:
    return field.partition(b":")[0].lower()
