"""The client of a request without an API key: its network address, also behind trusted proxies.

Owns finding the address, and what of it identifies a client: an IPv4 address, or the /64 network of
an IPv6 address, which is what one subscriber has (RFC 6177).

Clients can write anything into X-Forwarded-For, and each proxy appends the address it was called
from. So the list is read from the right, only as far as its writers are trusted: the first address
that is not a trusted proxy's is the client's.
"""

from __future__ import annotations

import logging
import re
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from packmule.jobs.model import ADDRESS_CLIENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packmule.outbound.addresses import Address, Network

_log = logging.getLogger(__name__)

# Some proxies append the port: 192.0.2.1:4711, [2001:db8::1]:4711.
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_LONGEST_ADDRESS = 64
_SUBSCRIBER_BITS = 64
_SITE_BITS = 48


class ClientAddresses:
    """Finds a request's client; `trusted` are the networks of the operator's own proxies."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self._has_warned = False

    def client(self, peer: str | None, forwarded: Sequence[str]) -> str:
        """Return the client's name, starting from the address at the connection's other end.

        `forwarded` are the values of its X-Forwarded-For fields, in their order.
        """
        address = parse_address(peer or "")
        if forwarded and address is not None and not self._is_trusted(address):
            self._warn(address)
        return name_of(self._origin(address, forwarded))

    def _origin(self, address: Address | None, forwarded: Sequence[str]) -> Address | None:
        """Walk back from hop to hop while the hop that names the previous one is trusted."""
        for hop in reversed(",".join(forwarded).split(",")):
            if address is None or not self._is_trusted(address):
                break
            before = parse_address(hop)
            if before is None:
                break
            address = before
        return address

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _warn(self, address: Address) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        _log.warning(
            "X-Forwarded-For ignored peer=%s: if this is your proxy, add it to "
            "PACKMULE_TRUSTED_PROXIES, otherwise all its clients count as one",
            address,
        )


def name_of(address: Address | None) -> str:
    """Return a client's name by address, as jobs store it; a key's name never has a colon."""
    if isinstance(address, IPv6Address):
        return f"{ADDRESS_CLIENT}{_network(address, _SUBSCRIBER_BITS)}/{_SUBSCRIBER_BITS}"
    return f"{ADDRESS_CLIENT}{address or 'unknown'}"


def network_of(client: str) -> str | None:
    """Return the network with a rate of its own that a client is in: an IPv6 client's /48.

    That is what one site may have, with 65,536 networks of /64 in it (RFC 6177).
    """
    address = parse_address(client.removeprefix(ADDRESS_CLIENT).partition("/")[0])
    if not client.startswith(ADDRESS_CLIENT) or not isinstance(address, IPv6Address):
        return None
    return f"{ADDRESS_CLIENT}{_network(address, _SITE_BITS)}/{_SITE_BITS}"


def _network(address: IPv6Address, bits: int) -> IPv6Address:
    return IPv6Address(int(address) >> (128 - bits) << (128 - bits))


def parse_address(text: str) -> Address | None:
    """Parse an address; return None if it is none. IPv4 mapped into IPv6 becomes IPv4."""
    text = text.strip()
    with_port = _WITH_PORT.fullmatch(text) if len(text) <= _LONGEST_ADDRESS else None
    if with_port is not None:
        text = with_port[1] or with_port[2]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))  # without its zone
    return address
