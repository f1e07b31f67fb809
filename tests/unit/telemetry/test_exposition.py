"""The page of metrics: what Prometheus' own parser reads, each metric once, of all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from packmule.telemetry import snapshots
from packmule.telemetry.exposition import MergedMetrics, ProcessMetrics, text_of
from packmule.telemetry.instruments import By
from packmule.telemetry.metrics import ALL, REQUEST_SECONDS, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    for metric in ALL:
        metric.clear()
    yield
    for metric in ALL:
        metric.clear()


def samples(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = [
        (sample.name, frozenset(sample.labels.items()), sample.value)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    ]
    assert len({(name, labels) for name, labels, _ in found}) == len(found)
    return {(name, labels): value for name, labels, value in found}


def test_a_count_is_told_with_the_process_that_counted() -> None:
    TRANSFERS.inc("finished", by=3)
    found = samples(text_of(ProcessMetrics("worker-2", By.WORKER)))
    labels = frozenset({("outcome", "finished"), ("process", "worker-2")})
    assert found["packmule_transfers_total", labels] == 3


def test_a_histogram_is_cumulated() -> None:
    for seconds in (0.001, 0.2, 300.0):
        REQUEST_SECONDS.observe(seconds, "/healthz")
    found = samples(text_of(ProcessMetrics("api", By.API)))

    def bucket(bound: str) -> float:
        labels = {("route", "/healthz"), ("process", "api"), ("le", bound)}
        return found["packmule_http_request_seconds_bucket", frozenset(labels)]

    assert [bucket(bound) for bound in ("0.005", "0.25", "60.0", "+Inf")] == [1, 2, 2, 3]


def test_the_texts_of_all_processes_are_one_page() -> None:
    TRANSFERS.inc("failed")
    worker = text_of(ProcessMetrics("worker", By.WORKER)).decode()
    other = text_of(ProcessMetrics("worker-2", By.WORKER)).decode()
    page = text_of(MergedMetrics(ProcessMetrics("api", By.API), lambda: [worker, other]))
    found = samples(page)
    assert page.count(b"# TYPE process_cpu_seconds_total ") == 1
    for process in ("api", "worker", "worker-2"):
        assert found["process_start_time_seconds", frozenset({("process", process)})] > 0
    failed = frozenset({("outcome", "failed"), ("process", "worker-2")})
    assert found["packmule_transfers_total", failed] == 1


def test_each_process_tells_its_own_metrics_only() -> None:
    api = text_of(ProcessMetrics("api", By.API)).decode()
    worker = text_of(ProcessMetrics("worker", By.WORKER)).decode()
    assert "packmule_transfers_total" in worker
    assert "packmule_transfers_total" not in api
    assert "packmule_jobs_accepted_total" in api
    assert "packmule_jobs_accepted_total" not in worker


def test_two_workers_have_two_names_and_a_name_comes_again(tmp_path: Path) -> None:
    with snapshots.claimed(tmp_path, "worker") as first:
        with snapshots.claimed(tmp_path, "worker") as second:
            assert (first.name, second.name) == ("worker", "worker-2")
            first.write(b"one\n")
            second.write(b"two\n")
            assert sorted(snapshots.told(tmp_path)) == ["one\n", "two\n"]
        assert list(snapshots.told(tmp_path)) == ["one\n"]
        with snapshots.claimed(tmp_path, "worker") as third:
            assert third.name == "worker-2"
    assert list(snapshots.told(tmp_path)) == []


def test_what_a_dead_or_frozen_worker_told_is_told_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with snapshots.claimed(tmp_path, "worker") as snapshot:
        snapshot.write(b"one\n")
        monkeypatch.setattr(snapshots, "STALE_AFTER", -1.0)
        assert list(snapshots.told(tmp_path)) == []


def test_a_worker_that_takes_a_dead_ones_name_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "worker.prom").write_bytes(b"of the dead\n")
    with snapshots.claimed(tmp_path, "worker"):
        assert list(snapshots.told(tmp_path)) == []


def test_where_nobody_has_told_anything_there_is_nothing(tmp_path: Path) -> None:
    assert list(snapshots.told(tmp_path / "missing")) == []
