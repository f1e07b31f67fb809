"""A part that was published before a kill let anybody say so is taken up, and told of once."""

from __future__ import annotations

import random
import zipfile
from threading import Event
from typing import TYPE_CHECKING

import pytest
from tests.fakes.databases import migrated
from tests.fakes.jobs import no_defer
from tests.fakes.origin import Origin

from packmule import settings
from packmule.assembly.build import Builder
from packmule.jobs.model import JobRequest, JobState, OnError, Source
from packmule.jobs.store import JobStore
from packmule.storage.interface import part_key
from packmule.storage.local import LocalStorage
from packmule.wiring.resources import open_resources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from packmule.jobs.model import ArchivePart, Job

LIMIT = 1_000_000
BODIES = {f"{n}.bin": random.Random(n).randbytes(400_000) for n in range(5)}


class Killed(Exception):
    """Ends a run where a kill would."""


class Telling:
    """Says nothing of part number `silent_at` the first time: its run ends before it is known."""

    def __init__(self, silent_at: int) -> None:
        self._silent_at: int | None = silent_at
        self.told: list[int] = []

    def __call__(self, _connection: Connection, _job: Job, part: ArchivePart) -> None:
        if part.number == self._silent_at:
            self._silent_at = None
            raise Killed
        self.told.append(part.number)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    engine = migrated(tmp_path / "packmule.db")
    yield JobStore(engine)
    engine.dispose()


@pytest.mark.parametrize(("silent_at", "missing"), [(1, False), (3, False), (3, True)])
def test_a_part_that_was_published_and_is_not_known_is_adopted_and_told_of_once(
    store: JobStore, tmp_path: Path, silent_at: int, *, missing: bool
) -> None:
    storage, telling = LocalStorage(tmp_path), Telling(silent_at)
    environment = {
        "PACKMULE_DATA_DIR": str(tmp_path),
        "PACKMULE_ALLOW_NETWORKS": "127.0.0.0/8",
        "PACKMULE_MIN_FREE_BYTES": "0",
    }
    with Origin() as origin, open_resources(settings.read(environment)) as resources:
        urls = [origin.put(f"/{name}", body) for name, body in BODIES.items()]
        if missing:
            urls.append(origin.url("/gone.bin"))
        sources = tuple(Source(position, url) for position, url in enumerate(urls))
        request = JobRequest(sources, on_error=OnError.SKIP, max_part_bytes=LIMIT)
        key = store.create(request, defer=no_defer)
        builder = Builder(store, storage, resources, with_part=telling)
        with pytest.raises(Killed):
            builder.build(key, Event())
        published = {path.name: path.stat() for path in tmp_path.glob("archives/*/*")}
        assert len(published) == silent_at
        assert builder.build(key, Event()) is None
        for name in BODIES:
            assert len(origin.requests_for(f"/{name}")) == 1
    job = store.get(key)
    assert job.state is JobState.COMPLETED
    parts = store.archive_parts(job.id)
    assert telling.told == [1, 2, 3]
    found: list[str] = []
    for part in parts:
        archive = storage.find(part_key(key, part.area))
        assert archive is not None
        assert archive.path is not None
        assert (archive.size, archive.etag) == (part.size, part.etag)
        before = published.get(archive.path.name)
        assert before is None or before.st_ino == archive.path.stat().st_ino, "it was made again"
        with zipfile.ZipFile(archive.path) as opened:
            found += opened.namelist()
            for name in opened.namelist():
                assert name == "_missing.txt" or opened.read(name) == BODIES[name]
    assert sorted(found) == sorted([*BODIES, *(["_missing.txt"] if missing else [])])
    assert [path.name for path in tmp_path.glob("scratch/*/*")] == []
