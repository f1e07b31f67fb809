"""Which addresses may be reached, as the settings want it: one answer for all that ask or fetch.

Owns knowing this service's own names: an archive of archives would have no end. Quick to import.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packmule.outbound.addresses import AddressRules

if TYPE_CHECKING:
    from packmule.outbound.addresses import Address
    from packmule.settings import Settings


def address_rules(settings: Settings) -> AddressRules:
    """Make the rules.

    A public URL on this machine itself (localhost, a loopback address) names no service of its
    own: other programs are reached there too, and the rules refuse it unless it is allowed.
    """
    host = (urlsplit(settings.public_url).hostname or "").rstrip(".")
    own_addresses: frozenset[Address] = frozenset()
    own_hosts: frozenset[str] = frozenset()
    try:
        address = ip_address(host)
    except ValueError:
        own_hosts = frozenset({host} - {"localhost"})
    else:
        if not address.is_loopback:
            own_addresses = frozenset({address})
    return AddressRules(
        allow_networks=settings.allow_networks,
        own_addresses=own_addresses,
        allow_ports=settings.allow_ports,
        own_hosts=own_hosts,
    )
