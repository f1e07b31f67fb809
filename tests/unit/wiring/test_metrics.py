"""What the service's parts are asked for at a scrape, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.jobs import in_state, no_defer, request

from packmule.errors import StorageFailed
from packmule.jobs.model import JobState
from packmule.settings import read
from packmule.telemetry.metrics import ALL, DISK_FREE, GATHER_FAULTS, JOBS, QUEUE_LENGTH, WORKER_AGE
from packmule.wiring.metrics import Gathering, teller
from packmule.wiring.migrating import migrate
from packmule.wiring.stores import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packmule.wiring.stores import Stores


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    settings = read({"PACKMULE_DATA_DIR": str(tmp_path)})
    migrate(settings)
    for metric in ALL:
        metric.clear()
    with open_stores(settings) as opened:
        yield opened
    for metric in ALL:
        metric.clear()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def gathering(stores: Stores, clock: Clock, age: Any = lambda: 1.0) -> Gathering:
    return Gathering(read({}), stores, age, clock)


def counted() -> dict[str, int]:
    return {state: count for (state,), count in JOBS.values()}


def test_jobs_are_told_in_each_state(stores: Stores) -> None:
    for state in JobState:
        in_state(stores.jobs, state)
    gathering(stores, Clock()).refresh()
    assert counted() == {state.value: 1 for state in JobState}
    assert QUEUE_LENGTH.values() == [((), 1)]


def test_the_answers_are_kept_for_two_seconds(stores: Stores) -> None:
    clock = Clock()
    gathered = gathering(stores, clock)
    gathered.refresh()
    stores.jobs.create(request(), defer=no_defer)
    clock.now = 1.9
    gathered.refresh()
    assert counted()["queued"] == 0
    clock.now = 2.1
    gathered.refresh()
    assert counted()["queued"] == 1


def test_the_more_it_costs_the_seldomer_it_is_asked(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    asked: list[float] = []

    def slow() -> dict[JobState, int]:
        asked.append(clock.now)
        clock.now += 1.0
        return {}

    monkeypatch.setattr(stores.jobs, "counts", slow)
    gathered = gathering(stores, clock)
    for _ in range(100):
        gathered.refresh()
        clock.now += 1.0
    assert len(asked) == 2


def test_a_part_that_cannot_be_asked_is_left_out_and_counted(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    gathered = gathering(stores, clock, lambda: None)
    gathered.refresh()
    assert len(DISK_FREE.values()) == 1
    assert WORKER_AGE.values() == []

    def fail() -> int:
        raise StorageFailed("The disk is gone.")

    monkeypatch.setattr(type(stores.storage), "free_bytes", lambda _self: fail())
    clock.now = 10.0
    gathered.refresh()
    assert DISK_FREE.values() == []
    assert dict(GATHER_FAULTS.values())[("disk",)] == 1
    assert counted()["queued"] == 0


def test_the_page_is_told_although_a_worker_left_nonsense(stores: Stores, tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "worker.prom").write_bytes(b"\xff\xfe{nonsense")
    (folder / "worker-2.prom").write_bytes(b'packmule_x{a="b" 1\n# TYPE\n{{{')
    settings = read({"PACKMULE_DATA_DIR": str(tmp_path)})
    text, media_type = teller(settings, stores, lambda: 1.0)()
    assert b"packmule_build_info" in text
    assert media_type.startswith("text/plain")
