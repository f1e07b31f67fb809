"""How much a host takes from one client: what it documents, unless the operator says otherwise.

Owns the table of known hosts and the form of `PACKMULE_HOST_LIMITS`. Leaves keeping the limits to
`fetch_scheduler.py` and `rate_limiter.py`. Pure.

A name stands for the host and everything below it; of two that match, the longer one counts. Each
host below it takes so many connections, and all of them together share the rate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packmule.outbound.hosts import HostInvalid, read_host

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENTRY = re.compile(r"([^\s=]+)\s*=\s*([0-9]+)\s*(?:@\s*(.+))?")
_RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([kmg]?)b?(?:/s)?", re.IGNORECASE)
_MOST_CONNECTIONS = 1024
_FORM = "use a form like example.org=2 or example.org=2@5MB"


@dataclass(frozen=True, slots=True)
class HostLimit:
    """`connections` at once, and `rate` in bytes per second over all of them; 0 is no bound."""

    connections: int
    rate: float = 0.0


KNOWN: Mapping[str, HostLimit] = {
    # "limit requests to a single connection at a time": https://info.arxiv.org/help/api/tou.html
    "arxiv.org": HostLimit(1),
    # At most 2 connections: https://github.com/organicmaps/wikiparser/issues/27
    "dumps.wikimedia.org": HostLimit(2),
    # "a total concurrency of at most 2", 25 Mbps: the robot policy, as quoted in
    # https://www.mail-archive.com/wikitech-l%40lists.wikimedia.org/msg96632.html
    "upload.wikimedia.org": HostLimit(2, 25_000_000 / 8),
}
"""Documented limits, each with its source."""

_COUNTING: Final = frozenset(
    {
        # "too many users have viewed or downloaded this file recently", for up to 24 hours:
        # https://support.google.com/drive/answer/37603
        "drive.google.com",
        "drive.usercontent.google.com",
        # Bandwidth and downloads a day: https://help.dropbox.com/share/banned-links
        "dropbox.com",
        "dropboxusercontent.com",
    }
)
"""Hosts that close a file to everybody after so many downloads."""


def parse_host_limits(text: str) -> dict[str, HostLimit]:
    """Parse `PACKMULE_HOST_LIMITS`: `host=connections[@rate]`, separated by commas.

    The rate is in bytes per second, like `500kB` or `5MB` (powers of 1000). Raises ValueError with
    a message for the operator.
    """
    return dict(_entry(part.strip()) for part in text.split(",") if part.strip())


def limit_for(host: str, limits: Mapping[str, HostLimit]) -> tuple[str, HostLimit] | None:
    """Return a host's limit and whose it is: the operator's, else the documented one, else None."""
    return _nearest(host, limits) or _nearest(host, KNOWN)


def most_connections(host: str, limits: Mapping[str, HostLimit], usual: int) -> int | None:
    """Return how many transfers a host takes at once, or None if it is not known.

    What a host documents never raises the `usual` number; what the operator says may.
    """
    if (found := _nearest(host, limits)) is not None:
        return found[1].connections
    if (found := _nearest(host, KNOWN)) is not None:
        return min(usual, found[1].connections)
    return None


def counts_downloads(host: str) -> bool:
    """Return whether a host is known to count what is downloaded from it."""
    names = (host[at:] for at in (0, *(i + 1 for i, sign in enumerate(host) if sign == ".")))
    return _nearest(host, KNOWN) is not None or not _COUNTING.isdisjoint(names)


def _nearest(host: str, limits: Mapping[str, HostLimit]) -> tuple[str, HostLimit] | None:
    name = host
    while name:
        if (found := limits.get(name)) is not None:
            return name, found
        name = name.partition(".")[2]
    return None


def _entry(text: str) -> tuple[str, HostLimit]:
    found = _ENTRY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a host's limit; {_FORM}")
    try:
        host, _ = read_host(found[1])
    except HostInvalid as error:
        raise ValueError(f"{text!r}: {error.detail}; {_FORM}") from error
    connections = int(found[2][:9])
    if not 1 <= connections <= _MOST_CONNECTIONS:
        raise ValueError(f"{text!r} needs 1 to {_MOST_CONNECTIONS} connections; {_FORM}")
    return host, HostLimit(connections, _rate(text, found[3]) if found[3] else 0.0)


def _rate(entry: str, text: str) -> float:
    found = _RATE.fullmatch(text)
    rate = float(found[1]) * 1000 ** " kmg".index(found[2].lower() or " ") if found else 0.0
    if not rate:
        raise ValueError(f"{entry!r} has no valid rate; {_FORM} per second")
    return rate
