"""Whether an address is this machine's own.

Owns asking the kernel, without a packet. A server often has a public address, and behind it listen
programs that trust whoever comes from the machine itself; a link must not lead there.
"""

from __future__ import annotations

import socket

_ANY_PORT = 9  # discard, RFC 863; nothing is sent


def is_local_address(address: str, family: int) -> bool:
    """Tell whether one of this machine's interfaces has this address.

    The kernel answers by the source it would use: to an address of its own it goes from that same
    address. Where there is no way to the address at all, the connection will tell so.
    """
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, _ANY_PORT))
        except OSError:
            return False
        return bool(probe.getsockname()[0] == address)
