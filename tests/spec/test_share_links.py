"""Share links: accepted as they are copied, and fetched from where the file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.origin import Origin
    from tests.spec.service import Service


def test_the_answer_to_create_names_each_link_that_is_rewritten(
    service: Service, origin: Origin
) -> None:
    origin.put("/s/niKCpgZ4kWFefJM/download", b"the file")
    plain = origin.put("/share/plain.txt", b"plain")
    share = plain.replace("/share/plain.txt", "/s/niKCpgZ4kWFefJM")
    answer = service.client.post("/api/archive/create", json={"urls": [plain, share]})
    [warning] = answer.json()["warnings"]
    assert (warning["position"], warning["url"], warning["code"]) == (1, share, "rewritten")
    assert "/s/niKCpgZ4kWFefJM/download" in warning["detail"]
    hash_ = answer.json()["archive_hash"]
    assert service.outcome(hash_)["status"] == "completed"
    assert sorted(service.members(hash_).values()) == [b"plain", b"the file"]


def test_a_bucket_that_no_rule_can_read_is_refused(service: Service) -> None:
    answer = service.client.post("/api/archive/create", json={"urls": ["s3://bucket"]})
    assert answer.status_code == 422
