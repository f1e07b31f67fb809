"""What the kernel says of addresses, without a packet."""

from __future__ import annotations

import socket

from packmule.outbound.local_address import is_local_address


def test_loopback_is_our_own() -> None:
    assert is_local_address("127.0.0.1", socket.AF_INET)


def test_a_documented_address_is_not() -> None:
    assert not is_local_address("192.0.2.1", socket.AF_INET)
