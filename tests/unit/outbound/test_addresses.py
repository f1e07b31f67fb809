"""Which addresses and ports may be reached: the table, each range's edges, what IPv6 can carry."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cases import ssrf

from packmule.outbound.addresses import (
    GLOBAL_UNICAST,
    NOT_PUBLIC_IPV4,
    NOT_PUBLIC_IPV6,
    AddressRules,
    parse_networks,
    parse_ports,
)

STRICT = AddressRules()
DECISION = Path(__file__).parents[3] / "docs/decisions/0003-which-addresses-may-be-reached.md"

# first, last, just before, just after; None where the neighbour is another such range
IPV4_EDGES = [
    ("0.0.0.0", "0.255.255.255", None, "1.0.0.0"),
    ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
    ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
    ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
    ("168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17"),
    ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
    ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
    ("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"),
    ("192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"),
    ("192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"),
    ("192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"),
    ("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"),
    ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
    ("192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"),
    ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
    ("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"),
    ("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"),
    ("224.0.0.0", "255.255.255.255", "223.255.255.255", None),
]
IPV6_EDGES = [
    ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, "2000::"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff::1", "2001:200::"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7::1", "2001:db9::"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff::1", "2003::"),
    ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:7fff::", "2620:4f:8001::"),
    ("3ffe::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffd::1", "3fff:1000::"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", None, "3fff:1000::"),
    ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:ffff::1", None),
]

# The bad ports of the Fetch Standard above 1023, then databases, queues and control planes.
PORTS_OF_OTHERS = {
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
    6679, 6697, 10080,
    1433, 1521, 3306, 5432, 6379, 9042, 9200, 9300, 11211, 27017, 27018, 27019,
    2181, 2375, 2376, 2377, 2379, 2380, 3389, 5672, 5900, 5985, 5986, 9092, 10250, 10255,
}  # fmt: skip

INNER = st.integers(0, 2**32 - 1)
PUBLIC_PREFIX = st.sampled_from(["2606:4700::", "2a00:1450:4001:830::", "2400:cb00:2048:1::"])


@pytest.mark.parametrize("case", ssrf.cases("ip"), ids=ssrf.name)
def test_every_address_of_the_table_is_judged_as_it_says(case: ssrf.Case) -> None:
    assert STRICT.permits(case.ip) is case.allowed, case.why
    assert STRICT.permits(ip_address(case.ip)) is case.allowed, case.why


@pytest.mark.parametrize("case", ssrf.cases("dns"), ids=ssrf.name)
def test_every_dns_answer_of_the_table_is_judged_as_it_says(case: ssrf.Case) -> None:
    assert STRICT.permits_all(case.resolves_to or ()) is case.allowed, case.why


@pytest.mark.parametrize(("first", "last", "before", "after"), IPV4_EDGES + IPV6_EDGES)
def test_a_range_that_is_not_public_ends_where_its_registry_entry_ends(
    first: str, last: str, before: str | None, after: str | None
) -> None:
    assert not STRICT.permits(first)
    assert not STRICT.permits(last)
    assert before is None or STRICT.permits(before)
    assert after is None or STRICT.permits(after)


@given(INNER)
def test_a_mapped_address_is_judged_as_the_ipv4_address_that_the_kernel_connects_to(
    inner: int,
) -> None:
    mapped = str(IPv6Address(0xFFFF << 32 | inner))
    assert STRICT.permits(mapped) is STRICT.permits(str(IPv4Address(inner)))


@given(
    INNER,
    st.sampled_from(
        [
            lambda v4: v4,  # compatible
            lambda v4: 0xFFFF0000 << 32 | v4,  # translated
            lambda v4: 0x0064FF9B << 96 | v4,  # NAT64, well-known
            lambda v4: 0x0064FF9B0001 << 80 | v4,  # NAT64, local, as a /96
            lambda v4: 0x0064FF9B0001 << 80 | (v4 >> 16) << 64 | (v4 & 0xFFFF) << 40,  # as a /48
            lambda v4: 0x2002 << 112 | v4 << 80 | 1,  # 6to4
            lambda v4: 0x2001 << 112 | v4 << 64,  # Teredo, its server
            lambda v4: 0x2001 << 112 | v4 ^ 0xFFFFFFFF,  # Teredo, its client
        ]
    ),
)
def test_no_tunnel_or_translator_is_used_whatever_it_carries(inner: int, carry: object) -> None:
    assert callable(carry)
    assert not STRICT.permits(str(IPv6Address(carry(inner))))


@given(INNER, PUBLIC_PREFIX, st.sampled_from([0x00005EFE, 0x02005EFE]))
def test_an_isatap_address_is_refused_under_a_public_prefix_too(
    inner: int, prefix: str, marker: int
) -> None:
    assert not STRICT.permits(str(IPv6Address(int(IPv6Address(prefix)) | marker << 32 | inner)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "fe80::1%eth0",
        "2606:4700::1%1",
        "::ffff:8.8.8.8%1",
        "8.8.8.8/32",
        "08.8.8.8",
    ],
)
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    assert not STRICT.permits(text)


def test_an_answer_that_mixes_public_and_private_is_refused_whole() -> None:
    assert STRICT.permits_all(["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
    assert not STRICT.permits_all(["93.184.216.34", "10.0.0.5"])
    assert not STRICT.permits_all(["10.0.0.5", "2606:4700::1111"])


def test_an_empty_answer_is_refused() -> None:
    assert not STRICT.permits_all([])
    assert not STRICT.permits_all(iter(()))


@pytest.mark.parametrize(
    ("address", "opened"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("8.8.8.8", False),  # public, and nobody had to open it
        ("93.184.216.34", True),  # public, and opened all the same
        ("fe80::1%eth0", False),
        ("10.1.2.3.4", False),
        ("", False),
    ],
)
def test_what_the_operator_opened_is_known_whether_or_not_it_is_public(
    address: str, *, opened: bool
) -> None:
    rules = AddressRules(allow_networks=parse_networks("10.1.0.0/16 93.184.216.34"))
    assert rules.allows(address) is opened


def test_an_ipv4_mapped_network_is_the_ipv4_network_it_is() -> None:
    assert parse_networks("::ffff:10.0.0.0/104 ::ffff:192.0.2.1") == (
        IPv4Network("10.0.0.0/8"),
        IPv4Network("192.0.2.1/32"),
    )
    assert parse_networks("::ffff:0:0/96") == (IPv4Network("0.0.0.0/0"),)
    assert parse_networks("::fffe:0:0/95") == (IPv6Network("::fffe:0:0/95"),)


def test_an_allowed_network_may_be_reached_and_its_neighbours_may_not() -> None:
    rules = AddressRules(allow_networks=parse_networks("10.1.0.0/16, ::1"))
    assert rules.permits("10.1.2.3")
    assert rules.permits("::1")
    assert rules.permits("8.8.8.8")
    assert not rules.permits("10.2.0.1")
    assert not rules.permits("127.0.0.1")
    assert not rules.permits("::")
    assert rules.permits_all(["10.1.2.3", "8.8.8.8"])


def test_an_allowed_ipv4_network_holds_for_its_mapped_form_and_the_other_way_round() -> None:
    assert AddressRules(allow_networks=parse_networks("10.1.0.0/16")).permits("::ffff:10.1.2.3")
    assert AddressRules(allow_networks=parse_networks("::ffff:10.1.0.0/112")).permits("10.1.2.3")


@pytest.mark.parametrize("tunnelled", ["64:ff9b::10.1.2.3", "2002:a01:203::1", "::10.1.2.3"])
def test_an_allowed_ipv4_network_does_not_open_a_tunnel_to_itself(tunnelled: str) -> None:
    assert not AddressRules(allow_networks=parse_networks("10.1.0.0/16")).permits(tunnelled)


def test_an_opened_translator_prefix_reaches_public_ipv4_and_nothing_behind_it() -> None:
    rules = AddressRules(allow_networks=parse_networks("64:ff9b::/96 64:ff9b:1:7::/96"))
    assert rules.permits("64:ff9b::8.8.8.8")
    assert rules.permits("64:ff9b:1:7::8.8.8.8")
    assert not rules.permits("64:ff9b::169.254.169.254")
    assert not rules.permits("64:ff9b:1:7::10.0.0.1")
    assert not rules.permits("64:ff9b:1:8::8.8.8.8")


def test_opening_all_of_ipv6_still_looks_into_what_an_address_carries() -> None:
    rules = AddressRules(allow_networks=parse_networks("::/0"))
    assert rules.permits("fd00::1")
    for inside in (
        "64:ff9b::10.0.0.1",
        "64:ff9b:1:a00:0:100::",
        "2002:7f00:1::",
        "::ffff:10.0.0.1",
    ):
        assert not rules.permits(inside)
    # Read at the wrong place, this one would carry 8.8.8.8:
    assert not rules.permits("64:ff9b:1:a00:0:100:808:808")


def test_an_opened_6to4_or_teredo_prefix_is_read_where_its_rfc_puts_the_address() -> None:
    rules = AddressRules(allow_networks=parse_networks("2002::/16 2001::/32"))
    assert rules.permits("2002:808:808::1")
    assert not rules.permits("2002:a08:808:800::1")  # 10.8.8.8
    assert rules.permits("2001:0:808:808::f7f7:f7f7")  # server and client are 8.8.8.8
    assert not rules.permits("2001:0:a00:1::f7f7:f7f7")  # the server is 10.0.0.1
    assert not rules.permits("2001:0:808:808::f5ff:fffe")  # the client is


def test_our_own_address_is_refused_in_every_form_and_in_an_allowed_network_too() -> None:
    own = frozenset({ip_address("93.184.216.34"), ip_address("10.1.0.1")})
    rules = AddressRules(
        allow_networks=parse_networks("10.1.0.0/16 64:ff9b::/96"), own_addresses=own
    )
    assert rules.permits("93.184.216.35")
    assert not rules.permits("93.184.216.34")
    assert not rules.permits("::ffff:93.184.216.34")
    assert not rules.permits("64:ff9b::93.184.216.34")
    assert not rules.permits("10.1.0.1")


@pytest.mark.parametrize(
    "carrier",
    [
        "64:ff9b::93.184.216.35",
        "2002:5db8:d823::1",
        "2001:0:5db8:d823::f7f7:f7f7",  # as the server; the client is 8.8.8.8
        "2001:0:808:808::a247:27dc",  # as the client, its bits inverted
    ],
)
def test_an_address_is_read_to_its_last_bit_out_of_what_carries_it(carrier: str) -> None:
    networks = parse_networks("64:ff9b::/96 2002::/16 2001::/32")
    own, neighbour = ip_address("93.184.216.35"), ip_address("93.184.216.34")
    assert not AddressRules(networks, frozenset({own})).permits(carrier)
    assert AddressRules(networks, frozenset({neighbour})).permits(carrier)


@pytest.mark.parametrize("identifier", ["5efd", "5eff", "200:5efd", "200:5eff"])
def test_an_interface_identifier_next_to_isatap_is_one_like_any_other(identifier: str) -> None:
    assert STRICT.permits(f"2606:4700::{identifier}:10.0.0.1")


def test_web_ports_and_high_ports_are_open_by_default() -> None:
    assert all(STRICT.permits_port(port) for port in (80, 443, 1024, 3000, 8080, 8443, 65535))


@pytest.mark.parametrize("port", [0, 1, 22, 25, 79, 81, 110, 442, 444, 587, 993, 1023, 65536])
def test_a_low_port_and_what_is_no_port_are_closed(port: int) -> None:
    assert not STRICT.permits_port(port)


def test_the_ports_above_1023_that_are_closed_by_default_are_these() -> None:
    assert {port for port in range(1024, 65536) if not STRICT.permits_port(port)} == PORTS_OF_OTHERS


@pytest.mark.parametrize("port", sorted(PORTS_OF_OTHERS))
def test_a_port_of_another_service_is_opened_by_its_own_name_only(port: int) -> None:
    assert not STRICT.permits_port(port)
    assert not AddressRules(allow_ports=parse_ports("1-65535")).permits_port(port)
    assert AddressRules(allow_ports=parse_ports(f"80,{port}")).permits_port(port)


def test_ports_are_read_as_half_open_ranges() -> None:
    assert parse_ports(" 80, 443 ,1024-65535") == (
        range(80, 81),
        range(443, 444),
        range(1024, 65536),
    )


@pytest.mark.parametrize(
    "text", ["", "80,", "http", "0", "65536", "90-80", "1-2-3", "-80", "8_0", "٨٠"]
)
def test_ports_that_cannot_be_read_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a (port or a )?range"):
        parse_ports(text)


def test_networks_are_read_between_commas_or_spaces() -> None:
    assert parse_networks("") == ()
    assert parse_networks(" 10.0.0.0/8,fd00::/8  192.168.1.5 ") == (
        IPv4Network("10.0.0.0/8"),
        IPv6Network("fd00::/8"),
        IPv4Network("192.168.1.5/32"),
    )


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "10.0.0.0/33", "intranet", "10.0.0", "fe80::%eth0/10"]
)
def test_a_network_that_cannot_be_read_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ValueError, match="^" + repr(text)):
        parse_networks(f"192.0.2.0/24,{text}")


def test_a_translator_prefix_is_opened_only_as_the_96_bits_it_is() -> None:
    with pytest.raises(ValueError, match="name the /96"):
        parse_networks("64:ff9b:1::/48")


def test_the_decision_record_names_every_range_that_is_refused() -> None:
    text = DECISION.read_text(encoding="utf-8")
    refused = (*NOT_PUBLIC_IPV4, *NOT_PUBLIC_IPV6, GLOBAL_UNICAST)
    unnamed = [net for net in refused if f"`{net}`" not in text]
    assert not unnamed
