"""The rate of bytes that arrive, by a clock of the test's own."""

from __future__ import annotations

import pytest

from packmule.outbound.host_limits import HostLimit
from packmule.outbound.rate_limiter import RateLimiter, RateLimits


@pytest.mark.parametrize("block", [1_000, 16_384, 1_000_000])
@pytest.mark.parametrize("late", [0.0, 0.001, 0.02])
def test_the_rate_is_kept_to_five_percent_however_large_the_blocks_and_late_the_loop(
    block: int, late: float
) -> None:
    bucket, now, came = RateLimiter(1_000_000.0), 1000.0, 0
    bucket.ready_at(now)
    while came < 5_000_000:
        if (ready_at := bucket.ready_at(now)) > now:
            now = ready_at + late
        bucket.take(block, now)
        came += block
    took = bucket.ready_at(now) - 1000.0
    assert took == pytest.approx(came / 1_000_000, rel=0.05)


def test_a_rest_saves_up_little() -> None:
    bucket = RateLimiter(1_000_000.0)
    assert bucket.ready_at(4000.0) == 4000.0
    bucket.take(1_250_000, 5000.0)
    assert bucket.ready_at(5000.0) == pytest.approx(5001.0)
    assert bucket.ready_at(5000.5) == pytest.approx(5001.0)
    assert bucket.ready_at(5002.0) == 5002.0


def test_a_host_and_all_below_it_share_a_rate_within_that_of_all() -> None:
    rates = RateLimits(1_000_000.0, {"example.org": HostLimit(2, 1_000.0)})
    one, other, elsewhere = (
        rates.of(f"{name}") for name in ("a.example.org", "example.org", "b.c")
    )
    assert one is not None
    assert other is not None
    assert elsewhere is not None
    one.take(1_000, 0.0)
    assert other.ready_at(0.0) == pytest.approx(1.0)
    assert elsewhere.ready_at(0.0) == pytest.approx(0.001)
    assert (one.rate, elsewhere.rate) == (1_000.0, 1_000_000.0)


def test_without_a_rate_nothing_is_counted() -> None:
    assert RateLimits(0.0, {"example.org": HostLimit(2)}).of("example.org") is None
