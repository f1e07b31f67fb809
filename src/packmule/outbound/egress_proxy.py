"""The operator's proxy for sources: where it is, and who resolves names on the way through it.

Owns reading `PACKMULE_EGRESS_PROXY`. Leaves libcurl's options to `proxy_options.py`, and failures
of the proxy to `proxy_faults.py`. Pure.

docs/decisions/0049-egress-proxy.md says what can be checked on the way through a proxy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from packmule.outbound.hosts import HostInvalid, read_host

SCHEMES = ("http", "https", "socks5", "socks5h")
_FORM = "use a form like http://proxy.example.org:3128 or socks5://user:password@10.0.0.5:1080"
_LAST_PORT = 65535
_WANTS_LOGIN = 407


@dataclass(frozen=True, slots=True)
class EgressProxy:
    """A proxy. `login` is a user name and a password, where it wants them."""

    scheme: str
    host: str
    port: int
    login: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The proxy's URL without its login."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def resolves_names(self) -> bool:
        """Return whether the proxy looks names up; otherwise we do, and name it the address."""
        return self.scheme != "socks5"

    def names(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the addresses by which to name a host to the proxy, none to name it as it is.

        IPv4 first: libcurl tries only one, and a proxy without IPv6 is more usual than the reverse.
        """
        return () if self.resolves_names else tuple(sorted(addresses, key=_is_ipv6))

    def forwards(self, scheme: str) -> bool:
        """Return whether it reads requests of this scheme itself, instead of tunnelling them."""
        return scheme == "http" and self.scheme in {"http", "https"}

    def wants_login(self, status: int, scheme: str) -> bool:
        """Return whether a response is the proxy's own demand for a password (RFC 9110 15.5.8)."""
        return status == _WANTS_LOGIN and self.forwards(scheme)


def parse_proxy(text: str) -> EgressProxy | None:
    """Parse `PACKMULE_EGRESS_PROXY`; nothing is None.

    Raises ValueError with a message for the operator, which never repeats the value: it may hold a
    password.
    """
    if not text:
        return None
    try:
        parts = urlsplit(text)
        named = parts.hostname or ""
        host, _ = read_host(f"[{named}]" if ":" in named else named)
        port = parts.port
    except (ValueError, HostInvalid) as error:
        raise ValueError(f"the proxy's host or port is not valid; {_FORM}") from error
    if parts.scheme not in SCHEMES:
        raise ValueError(f"a proxy's URL begins with {', '.join(SCHEMES[:-1])} or socks5h; {_FORM}")
    if not port or port > _LAST_PORT:
        raise ValueError(f"the proxy's port is missing; {_FORM}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or re.search(r"\s", text):
        raise ValueError(f"a proxy's URL ends with its port; {_FORM}")
    login = None
    if parts.username is not None:
        login = (unquote(parts.username), unquote(parts.password or ""))
    return EgressProxy(parts.scheme, host, port, login)


def _is_ipv6(address: str) -> bool:
    return ":" in address
