"""Which address counts as the client: its own, or what a trusted proxy says, and nobody else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.outbound.addresses import parse_networks
from packmule.web.client_address import ClientAddresses, network_of

if TYPE_CHECKING:
    from ipaddress import IPv4Address

PROXIES = ClientAddresses(parse_networks("10.0.0.0/8, 2001:db8:ffff::/48"))


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("192.0.2.7", "address:192.0.2.7"),
        ("::ffff:192.0.2.7", "address:192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "address:2001:db8:1:2::/64"),
        ("fe80::1%eth0", "address:fe80::/64"),
        ("::1", "address:::/64"),
        ("", "address:unknown"),
        (None, "address:unknown"),
        ("a socket", "address:unknown"),
    ],
)
def test_a_client_is_its_ipv4_address_or_its_ipv6_network(peer: str | None, name: str) -> None:
    assert ClientAddresses().client(peer, []) == name


@pytest.mark.parametrize("forwarded", [["192.0.2.1"], ["192.0.2.1, 10.0.0.1"], ["rubbish"]])
def test_a_header_of_somebody_who_is_no_proxy_of_ours_is_not_believed(forwarded: list[str]) -> None:
    assert PROXIES.client("198.51.100.9", forwarded) == "address:198.51.100.9"
    assert ClientAddresses().client("198.51.100.9", forwarded) == "address:198.51.100.9"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["192.0.2.1"], "192.0.2.1"),
        (["192.0.2.1,10.9.9.9"], "192.0.2.1"),
        (["192.0.2.1", "10.9.9.9"], "192.0.2.1"),
        # What the client itself wrote stands to the left of what the proxy saw.
        (["203.0.113.5, 192.0.2.1"], "192.0.2.1"),
        (["10.1.1.1, 192.0.2.1"], "192.0.2.1"),
        (["203.0.113.5", "192.0.2.1, 10.9.9.9"], "192.0.2.1"),
        (["unknown, 192.0.2.1"], "192.0.2.1"),
        (["192.0.2.1:4711"], "192.0.2.1"),
        (["  192.0.2.1\t"], "192.0.2.1"),
        (["[2001:db8::1]:4711"], "2001:db8::/64"),
        (["2001:db8::1"], "2001:db8::/64"),
        (["::ffff:192.0.2.1, 2001:db8:ffff::2"], "192.0.2.1"),
        # All of them ours: the one that is farthest away asks for itself.
        (["10.2.2.2, 10.3.3.3"], "10.2.2.2"),
        # What cannot be read ends the way back; the last one that was seen is the client.
        (["192.0.2.1, unknown"], "10.0.0.1"),
        (["192.0.2.1, rubbish, 10.3.3.3"], "10.3.3.3"),
        (["192.0.2.1,"], "10.0.0.1"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
        (["192.0.2.1, " + "1" * 60_000], "10.0.0.1"),
        (["\u0661\u0662.0.0.1"], "10.0.0.1"),
    ],
)
def test_behind_our_proxies_the_first_address_that_is_none_of_them_counts(
    forwarded: list[str], address: str
) -> None:
    assert PROXIES.client("10.0.0.1", forwarded) == f"address:{address}"
    assert PROXIES.client("::ffff:10.0.0.1", forwarded) == f"address:{address}"


def test_a_header_that_is_not_believed_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    peers = ClientAddresses()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            peers.client("127.0.0.1", ["192.0.2.1"])
    [record] = caplog.records
    assert "PACKMULE_TRUSTED_PROXIES" in record.getMessage()
    assert "192.0.2.1" not in record.getMessage()


ANYTHING = st.lists(st.text(st.characters(max_codepoint=255), max_size=80), max_size=4)


@given(ANYTHING)
def test_whatever_a_stranger_writes_it_is_counted_by_its_own_address(forwarded: list[str]) -> None:
    assert PROXIES.client("198.51.100.9", forwarded) == "address:198.51.100.9"


@given(
    written=ANYTHING,
    address=st.ip_addresses(v=4, network="192.0.2.0/24"),
    on_a_line_of_its_own=st.booleans(),
)
def test_whatever_a_client_writes_our_proxys_word_of_it_counts(
    written: list[str], address: IPv4Address, *, on_a_line_of_its_own: bool
) -> None:
    if on_a_line_of_its_own or not written:
        forwarded = [*written, str(address)]
    else:
        forwarded = [*written[:-1], f"{written[-1]}, {address}"]
    assert PROXIES.client("10.0.0.1", forwarded) == f"address:{address}"


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("address:2001:db8:1:2::/64", "address:2001:db8:1::/48"),
        ("address:::/64", "address:::/48"),
        ("address:192.0.2.1", None),
        ("address:unknown", None),
        ("2001", None),
        ("ann", None),
    ],
)
def test_a_site_is_an_ipv6_clients_48(client: str, network: str | None) -> None:
    assert network_of(client) == network
