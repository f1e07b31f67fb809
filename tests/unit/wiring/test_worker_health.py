"""A worker's signs: the heart beats, whatever becomes of the metrics."""

from __future__ import annotations

import logging
import socket
import urllib.request
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.spec.service import a_free_port

from packmule.errors import UsageError
from packmule.settings import read
from packmule.telemetry import snapshots
from packmule.telemetry.metrics import ALL
from packmule.wiring.worker_health import telling
from packmule.worker.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packmule.assembly.resources import SharedResources

LOOP = SimpleNamespace(in_work=lambda: 3, under_way=lambda: 70)
RESOURCES = cast("SharedResources", SimpleNamespace(loop=LOOP))


@pytest.fixture(autouse=True)
def _unwatched() -> Iterator[None]:
    yield
    for metric in ALL:
        for name in ("_watched", "_under_way"):
            if hasattr(metric, name):
                setattr(metric, name, None)


def settings(folder: Path, **more: str) -> Any:
    return read({"PACKMULE_DATA_DIR": str(folder)} | more)


def test_a_beat_tells_the_metrics_to_the_api_of_the_same_folder(tmp_path: Path) -> None:
    with telling(settings(tmp_path), RESOURCES) as health:
        health.beat()
        [text] = snapshots.told(tmp_path)
    assert 'packmule_transfers_in_work{process="worker"} 3.0' in text
    assert 'packmule_bytes_fetched_total{process="worker"} ' in text
    assert list(snapshots.told(tmp_path)) == []


def test_the_heart_beats_where_the_metrics_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics").touch()
    with caplog.at_level(logging.WARNING), telling(settings(tmp_path), RESOURCES) as health:
        health.beat()
    assert Heartbeat(tmp_path).age() is not None
    assert len(caplog.records) == 1


def test_metrics_that_fail_later_are_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), telling(settings(tmp_path), RESOURCES) as health:
        (tmp_path / "metrics" / "worker.new").mkdir()
        for _ in range(3):
            health.beat()
    assert Heartbeat(tmp_path).age() is not None
    assert len(caplog.records) == 1


def test_a_worker_apart_tells_its_metrics_on_a_port_of_its_own(tmp_path: Path) -> None:
    port = a_free_port()
    apart = settings(tmp_path, PACKMULE_WORKER_METRICS_PORT=str(port))
    with telling(apart, RESOURCES):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"packmule_transfers_in_work" in answer.read()
        with pytest.raises(UsageError, match=str(port)), telling(apart, RESOURCES):
            raise AssertionError("two workers on one port")


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        apart = settings(tmp_path, PACKMULE_WORKER_METRICS_PORT=str(port))
        with pytest.raises(UsageError, match=str(port)), telling(apart, RESOURCES):
            raise AssertionError("a port that another program has")
