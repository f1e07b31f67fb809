"""A worker's rounds: it tells what has changed, keeps to what was agreed, and goes on alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from packmule.errors import StorageFailed
from packmule.outbound.host_sharing import FleetClaims, HostClaim, HostUse
from packmule.worker.host_exchange import HostExchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

HOST = "https://a.example:443"


class Transfers:
    """A transfer loop that fetches from one host, or none."""

    def __init__(self) -> None:
        self.uses: dict[str, HostUse] = {HOST: HostUse(limit=4, allowed=2, active=2)}
        self.agreed: list[tuple[FleetClaims, Mapping[str, int]]] = []

    def host_uses(self) -> Mapping[str, HostUse]:
        return self.uses

    def share_hosts(self, fleet: FleetClaims, allowed: Mapping[str, int]) -> None:
        self.agreed.append((fleet, allowed))


class Store:
    """A table of claims that may be away."""

    def __init__(self) -> None:
        self.theirs: dict[str, Mapping[str, int]] = {}
        self.written: list[Mapping[str, HostClaim]] = []
        self.is_away = False

    def _check(self) -> None:
        if self.is_away:
            raise StorageFailed("The job database cannot be used.")

    def read(self, me: str) -> FleetClaims:
        self._check()
        return FleetClaims(me, ("other",), self.theirs)

    def write(self, _me: str, claims: Mapping[str, HostClaim]) -> None:
        self._check()
        self.written.append(claims)

    def leave(self, _me: str) -> None:
        self._check()


def test_a_claim_is_written_once_and_used_in_the_next_round() -> None:
    transfers, store = Transfers(), Store()
    exchange = HostExchange(transfers, store, clock=lambda: 0.0)
    for _ in range(3):
        exchange.round()
    assert store.written == [{}, {HOST: HostClaim(4)}]
    assert [allowed for _, allowed in transfers.agreed] == [{HOST: 2}, {HOST: 4}, {HOST: 4}]


def test_a_worker_shows_that_it_is_alive_although_nothing_changes() -> None:
    transfers, store, now = Transfers(), Store(), [0.0]
    transfers.uses = {}
    exchange = HostExchange(transfers, store, clock=lambda: now[0])
    for now[0] in range(11):
        exchange.round()
    assert store.written == [{}, {}, {}]


def test_a_pause_is_written_when_it_begins_not_while_it_passes() -> None:
    transfers, store = Transfers(), Store()
    exchange = HostExchange(transfers, store, clock=lambda: 0.0)
    exchange.round()
    for left in (60.0, 59.0, 58.0):
        transfers.uses = {HOST: HostUse(4, 2, 2, paused_for=left)}
        exchange.round()
    assert [each[HOST].paused_for for each in store.written[1:]] == [0.0, 60.0]


def test_while_the_database_is_away_a_worker_keeps_the_limits_by_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transfers, store = Transfers(), Store()
    exchange = HostExchange(transfers, store, clock=lambda: 0.0)
    store.theirs = {HOST: {"other": 4}}
    exchange.round()
    assert transfers.agreed[-1][1] == {HOST: 0}
    store.is_away = True
    with caplog.at_level(logging.WARNING):
        exchange.round()
        exchange.round()
    fleet, allowed = transfers.agreed[-1]
    assert (fleet.at_first(HOST, 4), allowed) == (4, {})
    assert len(caplog.records) == 1
    store.is_away = False
    exchange.round()
    assert transfers.agreed[-1][1] == {HOST: 0}
    assert store.written == 2 * [{}, {HOST: HostClaim(2)}]


def test_a_worker_begins_with_nothing_new_until_the_others_know_it() -> None:
    transfers, store = Transfers(), Store()
    exchange = HostExchange(transfers, store, clock=lambda: 0.0)
    for _ in range(3):
        exchange.round()
    assert [fleet.at_first("other", 4) for fleet, _ in transfers.agreed] == [0, 0, 2]


def test_a_worker_that_ends_while_the_database_is_away_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store()
    store.is_away = True
    with caplog.at_level(logging.WARNING):
        HostExchange(Transfers(), store).leave()
    assert "host claims not removed" in caplog.text
