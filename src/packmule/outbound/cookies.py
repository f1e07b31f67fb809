"""Cookies of one source: set by any response of its visit, returned on its later requests.

Owns moving them between a source and the libcurl handle that makes its next request. Leaves what a
cookie means to libcurl's engine, which follows RFC 6265 (hosts, paths, Secure, the public suffix
list). A source's cookies outlive a redirect and a retry, are never another source's, and are gone
when it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycurl

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_BYTES = 32 * 1024
"""Bytes of cookies that a source may hold while it waits; what is set beyond that is dropped."""

FIELD = "set-cookie"
_SETS = f"{FIELD}:".encode()


def enable(curl: pycurl.Curl) -> None:
    """Turn the engine on, with no cookies."""
    curl.setopt(pycurl.COOKIEFILE, "")


def put(curl: pycurl.Curl, cookies: Iterable[bytes]) -> None:
    """Set these cookies, and no others, on a handle."""
    curl.setopt(pycurl.COOKIELIST, "ALL")
    for cookie in cookies:
        curl.setopt(pycurl.COOKIELIST, cookie)


def taken(curl: pycurl.Curl) -> tuple[bytes, ...]:
    """Return a handle's cookies, in the form of Netscape's cookie file."""
    kept, left = [], MOST_BYTES
    for cookie in curl.getinfo_raw(pycurl.INFO_COOKIELIST):
        left -= len(cookie)
        if left < 0:
            break
        kept.append(cookie)
    return tuple(kept)


def are_set(lines: Iterable[bytes]) -> bool:
    """Return whether a response's header lines set a cookie."""
    return any(line[: len(_SETS)].lower() == _SETS for line in lines)
