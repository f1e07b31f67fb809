"""Archives of unknown jobs are removed a day after they were found, and no others."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.databases import migrated
from tests.fakes.jobs import in_state

from packmule.cleanup import orphans
from packmule.cleanup.orphans import EVERY, KEPT, OrphanSweep
from packmule.engine.interface import Later
from packmule.errors import StorageFailed
from packmule.jobs.model import JobState
from packmule.jobs.orphans import OrphanNotes
from packmule.jobs.store import JobStore
from packmule.storage.local import LocalStorage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class House:
    """A database, a storage, and a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.engine = migrated(folder / "packmule.db")
        self.store = JobStore(self.engine, self.clock)
        self.storage = LocalStorage(folder)
        self.notes = OrphanNotes(self.engine, self.clock)

    def put(self, key: str) -> None:
        with self.storage.claim(key, 1, ()) as scratch:
            scratch.write_bytes(b"an archive")
        self.storage.publish(key, 1, scratch)

    def sweep(self, storage: LocalStorage | None = None) -> Later:
        return OrphanSweep(self.notes, storage or self.storage, first=0.0).sweep("all", Event())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.engine.dispose()


def test_an_archive_of_no_known_job_is_removed_a_day_after_it_was_found(house: House) -> None:
    known, unknown = in_state(house.store, JobState.COMPLETED), "0f" * 16
    house.put(known)
    house.put(unknown)
    assert house.sweep() == Later(EVERY)
    house.clock.advance(KEPT - 1)
    house.sweep()
    assert set(house.storage.archived()) == {known, unknown}
    house.clock.advance(1)
    house.sweep()
    assert set(house.storage.archived()) == {known}


def test_a_database_that_was_set_up_a_moment_ago_removes_nothing(house: House) -> None:
    keys = {f"{n:032x}" for n in range(5)}
    for key in keys:
        house.put(key)
    house.sweep()
    house.sweep()
    assert set(house.storage.archived()) == keys


def test_the_first_look_is_not_at_the_start(house: House) -> None:
    house.put("0f" * 16)
    answer = OrphanSweep(house.notes, house.storage).sweep("all", Event())
    assert isinstance(answer, Later)
    assert orphans.FIRST / 2 < answer.delay <= orphans.FIRST


def test_a_storage_that_cannot_be_listed_is_looked_at_again_later(
    house: House, tmp_path: Path
) -> None:
    class Unlisted(LocalStorage):
        def archived(self) -> Iterator[str]:
            raise StorageFailed("not now")

    assert house.sweep(Unlisted(tmp_path)) == Later(EVERY)
