"""What the kernel says of addresses, without a packet."""

from __future__ import annotations

import socket

from packmule.outbound.own import is_own


def test_loopback_is_our_own() -> None:
    assert is_own("127.0.0.1", socket.AF_INET)


def test_a_documented_address_is_not() -> None:
    assert not is_own("192.0.2.1", socket.AF_INET)
