"""The guard of one handle: what it judges, and that it remembers no more than it must."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass, field

import pycurl
import pytest

from packmule.outbound.addresses import AddressRules
from packmule.outbound.ssrf_guard import NewSocket, SsrfGuard, pin


@dataclass(frozen=True)
class Noting(AddressRules):
    """Rules that note what they are asked."""

    asked: list[str] = field(default_factory=list)

    def permits(self, address: object) -> bool:
        self.asked.append(str(address))
        return str(address) != "10.0.0.1"


def test_a_peer_is_judged_at_every_request_but_the_next_ones_to_the_same() -> None:
    rules = Noting()
    guard = SsrfGuard(rules)
    assert [guard.may_ask(peer) for peer in ("8.8.8.8", "8.8.8.8", "1.1.1.1", "8.8.8.8")] == [
        True
    ] * 4
    assert rules.asked == ["8.8.8.8", "1.1.1.1", "8.8.8.8"]


def test_a_peer_that_is_refused_is_refused_each_time() -> None:
    rules = Noting()
    guard = SsrfGuard(rules)
    assert not any(guard.may_ask("10.0.0.1") for _ in range(2))
    assert rules.asked == ["10.0.0.1"] * 2


@pytest.mark.parametrize(
    ("addresses", "entry"),
    [
        (("192.0.2.1",), "+a.example:443:192.0.2.1"),
        (("192.0.2.1", "2001:db8::1"), "+a.example:443:192.0.2.1,[2001:db8::1]"),
    ],
)
def test_libcurl_forgets_pinned_addresses_as_it_forgets_others(
    addresses: tuple[str, ...], entry: str
) -> None:
    """CURLOPT_RESOLVE: an entry without the plus is never let go."""
    assert pin("a.example", 443, addresses) == [entry]


def test_a_socket_that_the_kernel_refuses_leaves_nothing_to_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    nowhere = pycurl.CurlSockAddr(0xFFFF, 1, 6, ("192.0.2.1", 80))
    with pytest.raises(OSError, match="not supported"):
        NewSocket(nowhere)
    gc.collect()
    assert not complaints
