"""The address rules that API and worker share."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from packmule.settings import read
from packmule.wiring.rules import address_rules


def test_what_the_operator_allows_is_allowed() -> None:
    rules = address_rules(
        read({"PACKMULE_ALLOW_NETWORKS": "10.0.0.0/8", "PACKMULE_ALLOW_PORTS": "8080"})
    )
    assert rules.allow_networks == (ip_network("10.0.0.0/8"),)
    assert rules.permits_port(8080)
    assert not rules.permits_port(80)


@pytest.mark.parametrize(
    ("url", "hosts", "addresses"),
    [
        ("https://packmule.example.org/files", {"packmule.example.org"}, set()),
        ("https://Packmule.Example.ORG.:8443", {"packmule.example.org"}, set()),
        ("http://203.0.113.7:8000", set(), {"203.0.113.7"}),
        ("http://[2001:db8::7]", set(), {"2001:db8::7"}),
        ("http://localhost:8000", set(), set()),
        ("http://127.0.0.1:8000", set(), set()),
        ("http://[::1]:8000", set(), set()),
    ],
)
def test_the_service_does_not_fetch_from_itself_but_may_from_others_on_its_machine(
    url: str, hosts: set[str], addresses: set[str]
) -> None:
    rules = address_rules(read({"PACKMULE_PUBLIC_URL": url}))
    assert rules.own_hosts == hosts
    assert rules.own_addresses == {ip_address(address) for address in addresses}
