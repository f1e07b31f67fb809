"""A host's limit over all workers: it holds in every interleaving, and nobody waits forever."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from packmule.outbound.host_sharing import FleetClaims, HostClaim, HostUse, claim

HOST = "https://a.example:443"


def fleet(me: str, turn: int = 0, **claims: int) -> FleetClaims:
    return FleetClaims(me, tuple(claims), {HOST: claims} if claims else {}, turn=turn)


def test_a_worker_alone_has_the_whole_limit() -> None:
    assert fleet("a").share(HOST, 8) == 8
    assert fleet("a").at_first(HOST, 8) == 8


def test_workers_that_want_a_host_get_equal_parts() -> None:
    assert fleet("a", b=4).share(HOST, 8) == 4
    assert fleet("a", b=0, c=0).share(HOST, 8) == 3  # "a" is first, and gets what is left
    assert fleet("c", a=0, b=0).share(HOST, 8) == 2


def test_what_another_holds_cannot_be_claimed() -> None:
    assert fleet("a", b=7).share(HOST, 8) == 1
    assert fleet("a", b=9).share(HOST, 8) == 0


def test_what_cannot_be_divided_goes_round() -> None:
    got = [[fleet(me, turn, **dict.fromkeys({"a", "b", "c"} - {me}, 0)).share(HOST, 1)
            for me in "abc"] for turn in range(3)]  # fmt: skip
    assert [sum(turn) for turn in got] == [1, 1, 1]
    assert [sum(each) for each in zip(*got, strict=True)] == [1, 1, 1]


def test_a_host_not_claimed_yet_is_begun_as_if_all_began_with_it() -> None:
    assert FleetClaims("a", ("b", "c")).at_first(HOST, 8) == 2
    assert FleetClaims("a", ("b", "c")).at_first(HOST, 2) == 0
    assert FleetClaims("a", ("b",), {HOST: {"b": 7}}).at_first(HOST, 8) == 1
    assert FleetClaims("a", ("b",), is_known=False).at_first(HOST, 8) == 0
    assert FleetClaims("a", is_known=False).at_first(HOST, 8) == 8


def test_a_gain_is_used_one_round_after_it_was_claimed() -> None:
    use = HostUse(limit=8, allowed=4, active=4)
    assert claim(use, share=8, claimed=0) == (HostClaim(8), 4)
    assert claim(use, share=8, claimed=8) == (HostClaim(8), 8)


def test_a_loss_is_kept_at_once_and_claimed_until_its_transfers_have_ended() -> None:
    assert claim(HostUse(limit=8, allowed=8, active=8), 4, 8) == (HostClaim(8), 4)
    assert claim(HostUse(limit=8, allowed=4, active=6), 4, 8) == (HostClaim(6), 4)
    assert claim(HostUse(limit=8, allowed=4, active=1), 4, 6) == (HostClaim(4), 4)


def test_a_pause_is_told_without_a_claim() -> None:
    use = HostUse(limit=8, allowed=8, active=0, paused_for=60.0, is_wanted=False)
    assert claim(use, 8, 0)[0] == HostClaim(0, 60.0, is_wanted=False)


@dataclass
class Simulated:
    """A worker as the scheduler is: it opens what it may, while it has files."""

    name: str
    files: int
    allowed: int = 0
    active: int = 0
    claimed: int = 0

    def start(self) -> None:
        begun = max(0, min(self.files, self.allowed - self.active))
        self.files -= begun
        self.active += begun

    def round(self, told: dict[str, HostClaim], limit: int, workers: int, turn: int) -> None:
        others = tuple(str(n) for n in range(workers) if str(n) != self.name)
        theirs = {name: each.transfers for name, each in told.items() if name != self.name}
        seen = FleetClaims(self.name, others, {HOST: theirs} if theirs else {}, turn=turn)
        if self.active or self.files:
            use = HostUse(limit, self.allowed, self.active)
            told[self.name], self.allowed = claim(use, seen.share(HOST, limit), self.claimed)
            self.claimed = told[self.name].transfers
        else:
            told.pop(self.name, None)
            self.claimed, self.allowed = 0, seen.at_first(HOST, limit)


@pytest.mark.parametrize("limit", [1, 2, 3, 8])
@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_the_limit_always_holds_and_all_files_are_fetched(
    limit: int, workers: int, seed: int
) -> None:
    chance = random.Random(f"{limit}/{workers}/{seed}")
    running = [Simulated(str(n), chance.randrange(1, 40)) for n in range(workers)]
    for each in running:
        each.allowed = FleetClaims(
            each.name, tuple(other.name for other in running if other is not each)
        ).at_first(HOST, limit)
    told: dict[str, HostClaim] = {}
    for turn in range(3_000):
        for each in chance.sample(running, workers):  # once each in a round, in any order
            each.round(told, limit, workers, turn // 10)
            each.start()
            assert sum(other.active for other in running) <= limit
            for other in running:
                other.active -= chance.randint(0, other.active)
                other.start()
                assert sum(one.active for one in running) <= limit
        if not any(each.active or each.files for each in running):
            return
    pytest.fail(f"left: {running}")
