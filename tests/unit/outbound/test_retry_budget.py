"""What a host may cost: a budget of retries, which only files without success spend."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packmule.outbound.host_health import HostHealth
from packmule.outbound.transfer import Limits

LIMITS = Limits(attempts=4, host_retries=10, first_delay=0.5)


@given(st.lists(st.sampled_from(["pay", "served", "refund", "answered", "falter"]), max_size=200))
def test_whatever_happens_a_host_costs_no_more_than_its_budget(ends: list[str]) -> None:
    host, left = HostHealth(8, LIMITS), LIMITS.host_retries
    for end in ends:
        match end:
            case "pay":
                assert host.pay() is (left > 0)
                left = max(0, left - 1)
            case "served":
                host.served(0)
                left = min(LIMITS.host_retries, left + 1)
            case "refund":
                host.served(3)
                left = min(LIMITS.host_retries, left + 4)
            case "answered":
                host.answered()
            case _:
                host.falter(0.0)
        assert host.budget == left
        assert 1.0 <= host.limit <= 8.0


def test_a_host_without_budget_is_asked_slowly() -> None:
    host = HostHealth(8, LIMITS)
    while host.pay():
        pass
    host.falter(50.0)
    assert host.not_before == 50.0 + LIMITS.first_delay / 5
