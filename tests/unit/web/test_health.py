"""Readiness: what is looked at, how often, and that a look that hangs keeps nobody."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

from tests.fakes.jobs import no_defer, request

from packmule.errors import DiskFull
from packmule.jobs import database
from packmule.storage.local import LocalStorage
from packmule.web import health
from packmule.web.health import Check, ReadinessCheck

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.unit.web.conftest import App


def test_a_database_that_another_program_has_locked_is_not_ready(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    other = sqlite3.connect(tmp_path / "packmule.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = app.ask("GET", "/readyz")
    other.execute("ROLLBACK")
    other.close()
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert "another writer" in checks["database"]
    assert (checks["storage"], checks["worker"]) == ("ok", "ok")
    assert app.ask("GET", "/readyz").status_code == 200
    # The connection that was looked through waits for others as long as ever.
    assert app.services.store.create(request(), defer=no_defer)


def test_a_disk_without_room_for_jobs_is_reported_and_the_api_stays_ready(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    app.change(reserve=10**18)
    answer = app.ask("GET", "/readyz")
    assert answer.status_code == 200
    assert "fewer than PACKMULE_MIN_FREE_BYTES" in answer.json()["checks"]["storage"]
    app.change(reserve=1)
    assert app.ask("GET", "/readyz").json()["checks"]["storage"] == "ok"


def test_a_full_disk_is_not_ready(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_storage: LocalStorage) -> None:
        raise DiskFull("The data directory cannot be written: the disk is full.")

    monkeypatch.setattr(LocalStorage, "check", check)
    answer = app.ask("GET", "/readyz")
    assert answer.status_code == 503
    assert "the disk is full" in answer.json()["checks"]["storage"]


def test_many_who_ask_at_once_share_one_look(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []

    def look(services: object) -> dict[str, Check]:
        looked.append(services)
        return {"worker": Check()}

    monkeypatch.setattr(health, "_checks", look)

    async def ask() -> None:
        looks = ReadinessCheck()
        found = await asyncio.gather(*(looks.take(app.services) for _ in range(50)))
        assert found == [{"worker": Check()}] * 50
        await looks.take(app.services)

    asyncio.run(ask())
    assert len(looked) == 1


def test_a_look_that_hangs_keeps_nobody(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(health, "LONGEST_LOOK", 0.05)
    monkeypatch.setattr(health, "_checks", lambda _services: over.wait(30) and {"worker": Check()})

    async def ask() -> None:
        looks = ReadinessCheck()
        for _ in range(3):
            found = await looks.take(app.services)
            assert set(found) == {"database", "storage", "worker"}
            assert all("no answer within" in check.word for check in found.values())
        over.set()

    asyncio.run(ask())
