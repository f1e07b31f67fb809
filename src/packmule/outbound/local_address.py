"""Detect whether an address belongs to this machine.

Owns asking the kernel, without sending a packet. A server often has a public address, and programs
listening on it may trust whoever connects from the machine itself; a link must not lead there.
"""

from __future__ import annotations

import socket

_ANY_PORT = 9  # discard, RFC 863; nothing is sent


def is_local_address(address: str, family: int) -> bool:
    """Return whether one of this machine's interfaces has this address.

    The kernel shows it by the source address it would use: it reaches an address of its own from
    that same address. If there is no route to the address, connecting to it will fail anyway.
    """
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, _ANY_PORT))
        except OSError:
            return False
        return bool(probe.getsockname()[0] == address)
