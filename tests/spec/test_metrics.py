"""/metrics: Prometheus' own parser reads it, and its numbers are those of what has happened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.origin import Origin

Series = tuple[str, frozenset[tuple[str, str]]]

# Words of our own: a state, a code, a route template, a status, a number, a version.
WORD = re.compile(r"[a-z0-9_.+-]+|/[A-Za-z0-9/{}_.-]*|\+Inf|GET|HEAD|POST|DELETE|OPTIONS|other")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a program whose numbers no other test moves."""
    with Service(tmp_path_factory.mktemp("metrics"), ATTEMPTS="2") as running:
        yield running.start()


def scrape(service: Service) -> dict[Series, float]:
    answer = service.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def total(service: Service, name: str, **labels: str) -> float:
    """Add up the series of that name that have these labels."""
    return sum(
        value
        for (found, having), value in scrape(service).items()
        if found == name and labels.items() <= dict(having).items()
    )


def test_the_numbers_move_with_a_job(own: Service, origin: Origin) -> None:
    own.completed(origin.put("/metrics/a", b"a" * 1000), origin.put("/metrics/b", b"b" * 500))
    failed = own.create(origin.url("/metrics/missing"), origin.put("/metrics/c", b"c"))
    assert own.outcome(failed)["status"] == "failed"
    until(lambda: total(own, "packmule_archives_failed_total", code="files-failed") == 1, "told")
    for name, labels, value in (
        ("packmule_jobs_accepted_total", {}, 2),
        ("packmule_attempts_total", {}, 2),
        ("packmule_archives_completed_total", {"process": "worker"}, 1),
        ("packmule_archive_seconds_count", {}, 1),
        ("packmule_files_packed_total", {}, 3),
        ("packmule_files_failed_total", {"code": "http-status"}, 1),
        ("packmule_transfers_total", {"outcome": "finished"}, 3),
        ("packmule_transfers_total", {"outcome": "failed"}, 1),
        ("packmule_transfers_in_work", {}, 0),
        ("packmule_bytes_fetched_total", {}, 1501),
        ("packmule_http_requests_total", {"route": "/api/archive/create", "status": "202"}, 2),
    ):
        assert total(own, name, **labels) == value, name
    until(lambda: total(own, "packmule_jobs", state="failed") == 1, "the state told")
    assert total(own, "packmule_jobs", state="completed") == 1
    assert total(own, "packmule_queue_length") == 0
    assert 0 <= total(own, "packmule_worker_heartbeat_age_seconds") < 10
    assert total(own, "packmule_disk_free_bytes") > 0
    assert total(own, "process_start_time_seconds", process="worker") > 0


def test_a_retry_is_counted_by_its_cause(own: Service, origin: Origin) -> None:
    before = total(own, "packmule_transfer_retries_total", cause="http-status")
    archive_hash = own.create(origin.put("/metrics/flaky", b"x", status=503))
    assert own.outcome(archive_hash)["status"] == "failed"
    until(
        lambda: total(own, "packmule_transfer_retries_total", cause="http-status") == before + 1,
        "the retry told",
    )


def test_a_finished_job_is_counted_as_completed_and_its_rest_as_left_out(
    own: Service, origin: Origin
) -> None:
    completed = total(own, "packmule_archives_completed_total")
    left_out = total(own, "packmule_files_failed_total", code="left-out")
    slow = [origin.put(f"/metrics/late{n}", b"x", latency=30.0) for n in range(2)]
    archive_hash = own.create(origin.put("/metrics/there", b"x"), *slow)
    until(lambda: own.status(archive_hash)["progress"]["files"]["done"] == 1, "one is packed")
    own.client.post(f"/api/archive/finish/{archive_hash}").raise_for_status()
    assert own.outcome(archive_hash)["status"] == "completed"
    until(lambda: total(own, "packmule_archives_completed_total") == completed + 1, "told")
    assert total(own, "packmule_files_failed_total", code="left-out") == left_out + 2


def test_no_label_holds_what_a_client_or_an_origin_chose(own: Service, origin: Origin) -> None:
    archive_hash = own.completed(origin.put("/metrics/chosen", b"x") + "?chosen=1")
    own.download(archive_hash)
    for path in (f"/api/archive/status/{archive_hash}", "/chosen", "/chosen/other", "/..%2f"):
        own.client.get(path)
        own.client.request("CHOSEN", path)
    labels = {pair for _, having in scrape(own) for pair in having}
    assert [pair for pair in labels if not WORD.fullmatch(pair[1])] == []
    assert [pair for pair in labels if archive_hash in pair[1] or "chosen" in pair[1]] == []


def test_a_worker_that_died_is_one_series_begun_anew(own: Service, origin: Origin) -> None:
    own.completed(origin.put("/metrics/before", b"x"))
    until(lambda: total(own, "packmule_attempts_total", process="worker") > 0, "told")
    *_, worker = own.processes()
    started = total(own, "process_start_time_seconds", process="worker")
    own.kill(worker)
    until(
        lambda: total(own, "process_start_time_seconds", process="worker") > started,
        "another worker's numbers",
    )
    assert total(own, "packmule_attempts_total", process="worker") == 0
    processes = {dict(having).get("process") for _, having in scrape(own)}
    assert processes == {None, "api", "worker"}
