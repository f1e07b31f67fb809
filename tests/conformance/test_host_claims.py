"""What workers tell each other of hosts: who is alive, what each claims, and which are paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from packmule.outbound.host_sharing import HostClaim
from packmule.worker.host_claims import LEASE, TURN, HostClaims

if TYPE_CHECKING:
    from sqlalchemy import Engine as Database
    from tests.fakes.clock import FakeClock

A, B = "https://a.example:443", "http://b.example:80"


@pytest.fixture
def claims(db: Database, clock: FakeClock) -> HostClaims:
    return HostClaims(db, clock)


def test_each_worker_reads_what_the_others_claim(claims: HostClaims) -> None:
    claims.write("one", {A: HostClaim(3), B: HostClaim(1)})
    claims.write("two", {A: HostClaim(5)})
    found = claims.read("three")
    assert found.others == ("one", "two")
    assert found.claims == {A: {"one": 3, "two": 5}, B: {"one": 1}}
    assert claims.read("one").claims == {A: {"two": 5}}


def test_a_worker_without_claims_is_known(claims: HostClaims) -> None:
    claims.write("one", {A: HostClaim(3)})
    claims.write("one", {})
    assert (claims.read("two").others, claims.read("two").claims) == (("one",), {})


def test_the_claims_of_a_silent_worker_are_void_but_not_its_pauses(
    claims: HostClaims, clock: FakeClock
) -> None:
    claims.write("one", {A: HostClaim(3, paused_for=60.0), B: HostClaim(1)})
    clock.advance(LEASE + 1)
    found = claims.read("two")
    assert (found.others, found.claims) == ((), {})
    assert found.pauses == {A: pytest.approx(60.0 - LEASE - 1, abs=0.01)}
    clock.advance(60.0)
    assert claims.read("two").pauses == {}


def test_the_longest_pause_holds(claims: HostClaims) -> None:
    claims.write("one", {A: HostClaim(1, paused_for=60.0)})
    claims.write("two", {A: HostClaim(0, paused_for=90.0, is_wanted=False)})
    found = claims.read("three")
    assert found.claims == {A: {"one": 1}}
    assert found.pauses == {A: pytest.approx(90.0, abs=0.01)}


def test_a_worker_that_ends_leaves_its_pauses_and_clears_up_after_dead_ones(
    claims: HostClaims, clock: FakeClock
) -> None:
    claims.write("dead", {B: HostClaim(1)})
    clock.advance(LEASE + 1)
    claims.write("one", {A: HostClaim(3, paused_for=60.0), B: HostClaim(1)})
    claims.leave("one")
    found = claims.read("two")
    assert (found.others, found.claims, set(found.pauses)) == ((), {}, {A})


def test_a_clock_that_was_set_back_kills_nobody(claims: HostClaims, clock: FakeClock) -> None:
    claims.write("one", {A: HostClaim(3)})
    clock.advance(-LEASE / 2)
    assert claims.read("two").others == ("one",)


def test_turns_pass_with_the_time(claims: HostClaims, clock: FakeClock) -> None:
    before = claims.read("one").turn
    clock.advance(TURN)
    assert claims.read("one").turn == before + 1
