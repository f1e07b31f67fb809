"""The names this service answers to, and the web origins that may use it.

Owns the check of a request's Host (RFC 9110 7.4: a server that is not configured for a host answers
421), which stops DNS rebinding: a name of the attacker's own that leads to this service would make
the attacker's page and the service one origin to a browser. Also owns parsing both settings. Ports
are ignored in hosts, because rebinding needs a name. `X-Forwarded-Host` is never read: any client
can send it. Imports nothing slow, because the settings do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packmule.outbound.hosts import HostInvalid, read_host

if TYPE_CHECKING:
    from collections.abc import Sequence

_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::[0-9]{0,5})?", re.ASCII)
_WILDCARD = "*."
_LOCALHOST = "localhost"
_NO_HOST_BEFORE = "1.1"  # the first version of HTTP in which a request must have a Host
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_LETTERS = 253 + len(".:65535")  # of a name (RFC 1035 3.1), with its last dot and a port


class BadHost(ValueError):
    """A request's Host is missing, repeated or not a host (RFC 9112 3.2); its text says which."""


class ForeignHost(ValueError):
    """A request is for a host that this service does not answer to; its text names the host."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts a request may name: `names`, and all names below each of `domains`.

    IP addresses, `localhost` and the names below it are always allowed: nobody can make a public
    DNS name of them (RFC 6761 6.3).
    """

    names: frozenset[str] = frozenset()
    domains: tuple[str, ...] = ()

    def check(self, hosts: Sequence[str], http_version: str) -> None:
        """Check a request by its Host fields. Raises BadHost, ForeignHost."""
        if len(hosts) > 1:
            raise BadHost(f"The request has {len(hosts)} Host headers; send exactly one.")
        if not any(hosts):  # the server makes an empty Host of none
            if http_version < _NO_HOST_BEFORE:
                return  # health checks of old load balancers; a browser never sends it
            raise BadHost("The request has no Host header.")
        try:
            host, is_address = _host_of(hosts[0])
        except HostInvalid as error:
            raise BadHost("The request's Host header is not a valid host name.") from error
        if not is_address and not self._allows(host):
            raise ForeignHost(host)

    def _allows(self, host: str) -> bool:
        if host == _LOCALHOST or host.endswith(f".{_LOCALHOST}") or host in self.names:
            return True
        return host.endswith(self.domains)


def allowed_hosts(public_url: str, patterns: Sequence[str]) -> AllowedHosts:
    """Return the hosts of a public URL and of `PACKMULE_ALLOW_HOSTS`, as `parse_hosts` read it."""
    public = urlsplit(public_url).hostname or ""
    listed = {pattern for pattern in patterns if not pattern.startswith(_WILDCARD)}
    # An IPv6 address is allowed anyway.
    names = listed if ":" in public else {read_host(public)[0], *listed}
    return AllowedHosts(
        names=frozenset(names),
        domains=tuple(each[1:] for each in patterns if each.startswith(_WILDCARD)),
    )


def parse_hosts(text: str) -> tuple[str, ...]:
    """Parse a list of host names, `*.` before one for all names below it. Raises ValueError."""
    return tuple(_pattern(each.strip()) for each in text.split(",") if each.strip())


def parse_origins(text: str) -> tuple[str, ...]:
    """Parse a list of web origins, like https://app.example.org. Raises ValueError."""
    return tuple(_origin(each.strip()) for each in text.split(",") if each.strip())


def own_origin(public_url: str) -> str:
    """Return a URL's origin as browsers write it: lower case, without a default port."""
    url = urlsplit(public_url)
    host = (url.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    default = url.port is None or url.port == _DEFAULT_PORTS.get(url.scheme)
    return f"{url.scheme}://{host}" if default else f"{url.scheme}://{host}:{url.port}"


def _pattern(text: str) -> str:
    wildcard = _WILDCARD if text.startswith(_WILDCARD) else ""
    try:
        host, is_address = read_host(text.removeprefix(wildcard))
    except HostInvalid as error:
        raise ValueError(
            f"{text!r} is not a host name; list names like packmule.example.org or *.example.org, "
            "without a scheme or port"
        ) from error
    if is_address:
        raise ValueError(f"{text!r} is an IP address; those are always allowed, remove it")
    return wildcard + host


def _origin(text: str) -> str:
    try:
        url = urlsplit(text)
        host, _ = _host_of(url.netloc)
        is_origin = url.scheme in _DEFAULT_PORTS and url.port != 0 and bool(host)
    except ValueError:
        is_origin = False
    if not is_origin or text.partition("://")[2] != url.netloc:
        raise ValueError(
            f"{text!r} is not a web origin; list origins like https://app.example.org, without a "
            "path"
        )
    return own_origin(text)


def _host_of(authority: str) -> tuple[str, bool]:
    """Return the host of `host[:port]`, and whether it is an address. Raises HostInvalid."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None or len(authority) > _MOST_LETTERS or not authority.isascii():
        raise HostInvalid("not a host with or without a port")
    return read_host(found[1])
