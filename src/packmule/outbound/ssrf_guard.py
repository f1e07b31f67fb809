"""The address guard of one libcurl handle: every address before a connection, the peer of each one.

Owns the two judgements that no request can go round, and the options by which nothing of the
surroundings (proxies, redirects, other protocols) leads a handle elsewhere. Leaves which addresses
are allowed to `addresses.py`, and what a refusal means to whoever has the handle.

One guard a handle: a connection that is reused is never opened again, so handles under different
rules must not share a pool.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pycurl

from packmule.outbound.local_address import is_local_address

if TYPE_CHECKING:
    from packmule.outbound.addresses import AddressRules


class SsrfGuard:
    """Judges addresses by the rules."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._permitted: str | None = None

    def may_open(self, address: str, family: int) -> bool:
        """Tell whether a connection may be made. Raises OSError where the kernel is out of room."""
        rules = self._rules
        return rules.permits(address) and (
            rules.allows(address) or not is_local_address(address, family)
        )

    def may_ask(self, peer: str) -> bool:
        """Tell whether a request may go to the peer of a connection, new or reused."""
        if peer == self._permitted:  # the last one only: there is no end to the peers of a process
            return True
        if self._rules.permits(peer):
            self._permitted = peer
            return True
        return False


class NewSocket:
    """A new socket on its way to pycurl, which hands libcurl a duplicate; ours is closed then."""

    _socket: socket.socket | None = None  # where the kernel refuses one, there is none to close

    def __init__(self, address: pycurl.CurlSockAddr) -> None:
        self._socket = socket.socket(address.family, address.socktype, address.protocol)
        self.fileno = self._socket.fileno

    def __del__(self) -> None:
        if self._socket is not None:
            self._socket.close()


def keep_to_the_request(curl: pycurl.Curl) -> None:
    """Have a handle speak HTTP/1.1 to the host that is asked, and be led nowhere else."""
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
    option(pycurl.USERAGENT, "packmule")


def pin(host: str, port: int, addresses: tuple[str, ...]) -> list[str]:
    """Say, as RESOLVE takes it, that a host has these addresses and no others.

    The `+` has libcurl forget them as it forgets any answer; without it they stay for as long as
    the multi handle does, and there is no end to the hosts of a process.
    """
    listed = ",".join(f"[{each}]" if ":" in each else each for each in addresses)
    return [f"+{host}:{port}:{listed}"]
