"""Small jobs do not wait for a huge one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.spec.service import until

if TYPE_CHECKING:
    from tests.fakes.origin import Origin
    from tests.spec.service import Service


@pytest.mark.long
def test_a_hundred_jobs_of_one_file_end_before_one_of_ten_thousand_asked_for_earlier(
    service: Service, origin: Origin
) -> None:
    origin.put("/fairness/one-of-many", b"many", latency=0.5)
    many = [origin.url(f"/fairness/one-of-many?{number}") for number in range(10_000)]
    huge = service.create(*many)
    until(lambda: service.status(huge)["progress"]["files"]["done"] > 0, "the huge job is in work")
    small = [
        service.create(origin.put(f"/fairness/{number}.txt", b"small")) for number in range(100)
    ]
    assert {service.outcome(one)["status"] for one in small} == {"completed"}
    found = service.status(huge)
    assert found["status"] == "in-progress"
    assert found["progress"]["files"]["done"] < 10_000
    service.client.post(f"/api/archive/cancel/{huge}").raise_for_status()
