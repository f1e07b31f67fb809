"""Decide which addresses and ports may be reached. Pure: no socket, no DNS.

Owns the decision on one IP address, one DNS answer and one port. Leaves URLs to `urls.py`, lookups
to `resolver.py`, and checking each connection to whoever connects.

An IPv4 address is public unless a registry entry below says otherwise. An IPv6 address is public
only inside 2000::/3 (RFC 4291 2.4; IANA assigns nothing else), except for the entries below, and
only if it carries no IPv4 address: a translator on the path would deliver that to the inside.
docs/decisions/0003 gives the reasons, class by class.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Ports = tuple[range, ...]

NOT_PUBLIC_IPV4: tuple[IPv4Network, ...] = (
    IPv4Network("0.0.0.0/8"),  # this network, RFC 791 3.2; Linux connects 0.0.0.0 to itself
    IPv4Network("10.0.0.0/8"),  # private, RFC 1918
    IPv4Network("100.64.0.0/10"),  # shared behind a carrier's NAT, RFC 6598; a cloud's metadata
    IPv4Network("127.0.0.0/8"),  # loopback, RFC 1122 3.2.1.3
    IPv4Network("169.254.0.0/16"),  # link-local, RFC 3927; metadata of nearly every cloud
    IPv4Network("172.16.0.0/12"),  # private, RFC 1918
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890; a cloud's metadata
    IPv4Network("192.0.2.0/24"),  # documentation, RFC 5737
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, withdrawn by RFC 7526
    IPv4Network("192.168.0.0/16"),  # private, RFC 1918
    IPv4Network("198.18.0.0/15"),  # benchmarks, RFC 2544
    IPv4Network("198.51.100.0/24"),  # documentation, RFC 5737
    IPv4Network("203.0.113.0/24"),  # documentation, RFC 5737
    IPv4Network("224.0.0.0/4"),  # multicast, RFC 5771
    IPv4Network("240.0.0.0/4"),  # reserved, RFC 1112 4, with the broadcast address, RFC 919
    # Public by the registry, yet nobody's download is there, and some of it is answered nearby:
    IPv4Network("192.31.196.0/24"),  # AS112, RFC 7535
    IPv4Network("192.52.193.0/24"),  # multicast tunnels (AMT), RFC 7450
    IPv4Network("192.175.48.0/24"),  # AS112, RFC 7534
    IPv4Network("168.63.129.16/32"),  # Azure's WireServer: a control service at a public address
)

GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 2.4

NOT_PUBLIC_IPV6: tuple[IPv6Network, ...] = (
    IPv6Network("2001::/23"),  # protocol assignments, RFC 2928: Teredo, ORCHID, benchmarks
    IPv6Network("2001:db8::/32"),  # documentation, RFC 3849
    IPv6Network("2002::/16"),  # 6to4, RFC 3056
    IPv6Network("2620:4f:8000::/48"),  # AS112, RFC 7534
    IPv6Network("3ffe::/16"),  # 6bone, given back by RFC 3701
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)

_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")  # a site's own translators, RFC 8215
_CARRY_AT_THE_END: tuple[IPv6Network, ...] = (
    IPv6Network("::/96"),  # IPv4-compatible, RFC 4291 2.5.5.1
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 2765 2.1
    IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052 2.1
    _NAT64_LOCAL,  # opened only as a /96 (see `parse_networks`), so it is the last 32 bits
)
_TEREDO = IPv6Network("2001::/32")  # RFC 4380 4
_SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056 2
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # interface identifiers, RFC 5214 6.1
_NOT_EMBEDDINGS = frozenset({IPv6Address("::"), IPv6Address("::1")})  # RFC 4291 2.5.2, 2.5.3
_TRANSLATOR_PREFIX = 96  # bits before the IPv4 address, RFC 6052 2.2

# Ports in the open range where something other than HTTP listens: the bad ports of the Fetch
# Standard, then databases, queues and control planes. A range does not open them; naming one does.
NOT_FOR_DOWNLOADS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}
    | set(range(6665, 6670))
    | {1433, 1521, 3306, 5432, 6379, 9042, 9200, 9300, 11211, 27017, 27018, 27019}
    | {2181, 2375, 2376, 2377, 2379, 2380, 3389, 5672, 5900, 5985, 5986, 9092, 10250, 10255}
)
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class _ParsedAddress:
    """One address: what a socket would reach, and what a translator would read out of it."""

    real: Address
    carried: tuple[IPv4Address, ...]
    public: bool


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield each IPv4 address that a tunnel or translator would read out of this one."""
    bits = int(address)
    last = bits & 0xFFFFFFFF
    if address not in _NOT_EMBEDDINGS and any(address in net for net in _CARRY_AT_THE_END):
        yield IPv4Address(last)
    if address in _SIX_TO_FOUR:
        yield IPv4Address(bits >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        yield IPv4Address(bits >> 64 & 0xFFFFFFFF)  # the server
        yield IPv4Address(last ^ 0xFFFFFFFF)  # the client, its bits inverted
    if (bits >> 32 & 0xFFFFFFFF) in _ISATAP:  # under any prefix, a public one too
        yield IPv4Address(last)


@lru_cache(maxsize=8192)
def _read(text: str) -> _ParsedAddress | None:
    """Parse an address; return None if it is not one or names a zone of this machine (RFC 4007)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address  # mapped: the kernel speaks IPv4, RFC 4291 2.5.5.2
    if isinstance(address, IPv4Address):
        return _ParsedAddress(
            address, (), public=not any(address in net for net in NOT_PUBLIC_IPV4)
        )
    carried = tuple(_carried(address))
    public = (
        not carried
        and address in GLOBAL_UNICAST
        and not any(address in net for net in NOT_PUBLIC_IPV6)
    )
    return _ParsedAddress(address, carried, public)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parse `PACKMULE_ALLOW_NETWORKS`: CIDRs or addresses, separated by commas or spaces.

    An IPv4-mapped network becomes the IPv4 network it stands for. Raises ValueError with a message
    for the operator.
    """
    networks: list[Network] = []
    for part in text.replace(",", " ").split():
        try:
            network = ip_network(part)
        except ValueError as error:
            raise ValueError(
                f"{part!r} is not a network such as 10.1.0.0/16 or fd00::/8: {error}"
            ) from error
        if isinstance(network, IPv6Network):
            network = _checked(part, network)
        networks.append(network)
    return tuple(networks)


def _checked(part: str, network: IPv6Network) -> Network:
    first = network.network_address
    if first.scope_id is not None:
        raise ValueError(f"{part!r} contains a zone: write the network without %…")
    if first.ipv4_mapped is not None:  # the mark ends at bit 96, so the prefix is no shorter
        return IPv4Network((first.ipv4_mapped, network.prefixlen - _TRANSLATOR_PREFIX))
    if network.subnet_of(_NAT64_LOCAL) and network.prefixlen < _TRANSLATOR_PREFIX:
        raise ValueError(
            f"{part!r} belongs to translators, and where they put the IPv4 address depends on the "
            "exact prefix: name the /96 that yours uses"
        )
    return network


def parse_ports(text: str) -> Ports:
    """Parse `PACKMULE_ALLOW_PORTS`, such as `80,443,1024-65535`, into half-open ranges.

    Raises ValueError with a message for the operator.
    """
    ports: list[range] = []
    for part in (piece.strip() for piece in text.split(",")):
        found = re.fullmatch(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?", part)
        if found is None:
            raise ValueError(f"{part!r} is not a port or a range of ports: write 80,443,1024-65535")
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= _LAST_PORT:
            raise ValueError(f"{part!r} is not a range within 1-65535, smaller number first")
        ports.append(range(first, last + 1))
    return tuple(ports)


DEFAULT_PORTS = parse_ports("80,443,1024-65535")


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What the operator allows and refuses beyond the rules above.

    `allow_networks` may be reached although they are not public. `own_addresses` are this service's
    own, refused even inside an allowed network: an archive of archives would never end. `own_hosts`
    are its own names (lower case), refused by name because behind a CDN the address is the CDN's;
    leave out names like localhost, which other services on the machine share. `allow_ports` are
    half-open ranges; a port of `NOT_FOR_DOWNLOADS` is open only where it is listed by itself.
    """

    allow_networks: tuple[Network, ...] = ()
    own_addresses: frozenset[Address] = frozenset()
    allow_ports: Ports = DEFAULT_PORTS
    own_hosts: frozenset[str] = frozenset()

    def permits(self, address: str | Address) -> bool:
        """Return whether we may connect to this address; False for what is not an address."""
        reading = _read(str(address))
        if reading is None or reading.real in self.own_addresses:
            return False
        return reading.public or self._opened(reading)

    def allows(self, address: str) -> bool:
        """Return whether the operator has opened this address, public or not."""
        reading = _read(address)
        return reading is not None and self._opened(reading)

    def permits_all(self, addresses: Iterable[str]) -> bool:
        """Return whether a DNS answer may be used: at least one address, and all permitted.

        An answer that mixes public and other addresses is refused as a whole: no honest site has
        such an answer, and we do not choose which address is tried first.
        """
        answer = tuple(addresses)
        return bool(answer) and all(self.permits(address) for address in answer)

    def permits_port(self, port: int) -> bool:
        """Return whether we may connect to this port."""
        if port in NOT_FOR_DOWNLOADS:
            return any(port in ports and len(ports) == 1 for ports in self.allow_ports)
        return any(port in ports for ports in self.allow_ports)

    def _opened(self, reading: _ParsedAddress) -> bool:
        """Return whether the operator opened this address, and every address it carries."""
        real = reading.real
        opened = any(
            real in network
            for network in self.allow_networks
            if network.prefixlen >= _TRANSLATOR_PREFIX or real not in _NAT64_LOCAL
        )
        return opened and all(self.permits(inner) for inner in reading.carried)
