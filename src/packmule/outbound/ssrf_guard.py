"""Guard one libcurl handle against SSRF: check each address before connecting, and each peer.

Owns the two checks that no request can bypass, and the options that keep proxies, redirects and
other protocols from leading a handle elsewhere. Leaves which addresses are allowed to
`addresses.py`, and what a refusal means to whoever owns the handle.

One guard per handle. A reused connection is not opened again, so handles under different rules must
not share a connection pool.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pycurl

from packmule.outbound.local_address import is_local_address

if TYPE_CHECKING:
    from packmule.outbound.addresses import AddressRules


class SsrfGuard:
    """Checks addresses against the rules.

    With `proxied`, the handle connects to the operator's own proxy only, which may be anywhere; the
    addresses that the proxy is to reach are checked beforehand, by `may_lead_to`.
    """

    def __init__(self, rules: AddressRules, *, proxied: bool = False) -> None:
        self._rules = rules
        self._proxied = proxied
        self._permitted: str | None = None

    def may_lead_to(self, addresses: tuple[str, ...]) -> bool:
        """Return whether a host with these addresses may be asked for.

        Without a proxy, each connection is checked again, and then whether it leads back to this
        machine. Raises OSError if no socket is left.
        """
        if not self._rules.permits_all(addresses):
            return False
        return not self._proxied or all(
            self._is_elsewhere(each, socket.AF_INET6 if ":" in each else socket.AF_INET)
            for each in addresses
        )

    def may_open(self, address: str, family: int) -> bool:
        """Return whether a connection may be made. Raises OSError if no socket is left."""
        if self._proxied:
            return True
        return self._rules.permits(address) and self._is_elsewhere(address, family)

    def _is_elsewhere(self, address: str, family: int) -> bool:
        return self._rules.allows(address) or not is_local_address(address, family)

    def may_ask(self, peer: str) -> bool:
        """Return whether a request may go to the peer of a connection, new or reused."""
        if self._proxied:
            return True
        if peer == self._permitted:  # only the last: a process sees no end of peers
            return True
        if self._rules.permits(peer):
            self._permitted = peer
            return True
        return False


class NewSocket:
    """A new socket for pycurl, which passes libcurl a duplicate; ours is closed then."""

    _socket: socket.socket | None = None  # stays None if the kernel refuses one

    def __init__(self, address: pycurl.CurlSockAddr) -> None:
        self._socket = socket.socket(address.family, address.socktype, address.protocol)
        self.fileno = self._socket.fileno

    def __del__(self) -> None:
        if self._socket is not None:
            self._socket.close()


def keep_to_the_request(curl: pycurl.Curl, user_agent: str) -> None:
    """Restrict a handle to HTTP/1.1 with the requested host, so that nothing leads it elsewhere."""
    option = curl.setopt
    option(pycurl.NOSIGNAL, 1)
    option(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    option(pycurl.FOLLOWLOCATION, 0)
    option(pycurl.PATH_AS_IS, 1)
    # Nothing from the environment: no proxy, and libcurl reads no netrc unless told to.
    option(pycurl.PROXY, "")
    option(pycurl.NOPROXY, "*")
    option(pycurl.HTTP09_ALLOWED, 0)
    option(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    option(pycurl.USERAGENT, user_agent)


def pin(host: str, port: int, addresses: tuple[str, ...]) -> list[str]:
    """Return the RESOLVE list by which a host has these addresses and no others.

    The `+` makes libcurl expire them like any DNS answer. Without it they stay as long as the multi
    handle lives, and a process sees no end of hosts.
    """
    listed = ",".join(f"[{each}]" if ":" in each else each for each in addresses)
    return [f"+{host}:{port}:{listed}"]
