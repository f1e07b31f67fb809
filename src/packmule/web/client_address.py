"""Who a client without a key is: the address it asks from.

Owns finding that address, also behind proxies that the operator names, and what of it is kept: an
IPv4 address, or the /64 network of an IPv6 one, which is what one subscriber has (RFC 6177).

The rule: what a client writes into X-Forwarded-For is its own word. Each proxy appends the address
that it was asked from, so the list is read from the right, and only as far as those who wrote it
are trusted: the first address that is no trusted proxy's is the client.
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
_INTERFACE_BITS = 64


class ClientAddresses:
    """Finds who asks; `trusted` are the networks of the operator's own proxies."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self._has_warned = False

    def client(self, peer: str | None, forwarded: Sequence[str]) -> str:
        """Name the client of a request by the address at its connection's other end.

        `forwarded` are the values of its X-Forwarded-For fields, in their order.
        """
        address = _address(peer or "")
        if forwarded and address is not None and not self._is_trusted(address):
            self._warn(address)
        return name_of(self._origin(address, forwarded))

    def _origin(self, address: Address | None, forwarded: Sequence[str]) -> Address | None:
        """Go back from hop to hop while whoever names the hop before is trusted."""
        for hop in reversed(",".join(forwarded).split(",")):
            if address is None or not self._is_trusted(address):
                break
            before = _address(hop)
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
            "a request from %s came with X-Forwarded-For, which is not believed: if that is your "
            "proxy, name it in PACKMULE_TRUSTED_PROXIES, or all who come through it count as one",
            address,
        )


def name_of(address: Address | None) -> str:
    """Name a client by its address, as jobs remember it; no name of a key has a colon."""
    if isinstance(address, IPv6Address):
        network = IPv6Address(int(address) >> _INTERFACE_BITS << _INTERFACE_BITS)
        return f"{ADDRESS_CLIENT}{network}/{_INTERFACE_BITS}"
    return f"{ADDRESS_CLIENT}{address or 'unknown'}"


def _address(text: str) -> Address | None:
    """Read an address; an IPv4 one that came over an IPv6 socket is the IPv4 one it is."""
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
