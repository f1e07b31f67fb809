"""Carrying jobs from SQLite to PostgreSQL: all or nothing, and never beside a running service."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text, update
from tests.fakes.jobs import FAILURE, PUBLISHED, begun, checkpoint, done, failed, opened, request

from packmule.cli import main
from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Task
from packmule.engine.postgres import PostgresEngine
from packmule.errors import StorageFailed, UsageError
from packmule.jobs import database, moving
from packmule.jobs.model import JobState
from packmule.jobs.schema import files, jobs
from packmule.jobs.store import JobStore
from packmule.jobs.upgrading import upgrade
from packmule.wiring.moving import move

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine


@pytest.fixture
def old_url(tmp_path: Path) -> str:
    """Name an old database with a job in each of some states."""
    url = f"sqlite:///{tmp_path / 'packmule.db'}"
    db = database.connect(url)
    upgrade(db)
    engine = EmbeddedEngine(db)
    store = JobStore(db)

    def defer(connection: Connection, hash_: str) -> None:
        engine.defer(connection, Task("build", hash_, priority=5))

    completed = begun(store)
    store.complete(completed.fence, PUBLISHED, checkpoint(done()))
    run = begun(store)
    store.fail(run.fence, FAILURE, checkpoint(failed()))
    store.create(request(idempotency_key="once", client="ann"), defer=defer)
    running = store.begin(store.create(request(), defer=defer))
    assert running is not None
    store.checkpoint(running.fence, checkpoint(done(0), opened(1)))
    db.dispose()
    return url


@pytest.fixture
def new(postgres_with_tables: str) -> Iterator[Engine]:
    engine = database.connect(postgres_with_tables)
    yield engine
    engine.dispose()


def rows(db: Engine) -> list[tuple[object, ...]]:
    with database.reading(db) as connection:
        return [
            tuple(row)
            for table in (jobs, files)
            for row in connection.execute(select(table).order_by(*table.primary_key.columns))
        ]


def test_a_name_that_an_earlier_version_took_and_the_new_home_cannot_hold_is_mended(
    old_url: str, new: Engine, postgres_with_tables: str
) -> None:
    old = database.connect(old_url)
    with database.writing(old) as connection:
        connection.execute(update(files).where(files.c.position == 1).values(wanted="a\0b.txt"))
    old.dispose()
    move(old_url, postgres_with_tables)
    with database.reading(new) as connection:
        names = connection.scalars(select(files.c.wanted).where(files.c.position == 1)).all()
    assert set(names) == {"a\ufffdb.txt"}


def test_every_row_is_the_same_afterwards_and_the_old_ones_stay(
    old_url: str, new: Engine, postgres_with_tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH", 3)  # fewer than there are files
    old = database.connect(old_url)
    before = rows(old)
    old.dispose()
    moved = move(old_url, postgres_with_tables)
    assert (moved["jobs"], moved["files"], moved["tasks"]) == (4, 12, 2)
    assert rows(new) == before == rows(old)
    old.dispose()


def test_a_job_that_was_under_way_goes_on_from_its_checkpoint(
    old_url: str, new: Engine, postgres_with_tables: str
) -> None:
    move(old_url, postgres_with_tables)
    store, stop = JobStore(new), Event()
    resumed = {}

    def build(key: str, _stop: Event) -> None:
        run = store.begin(key)
        assert run is not None
        resumed[run.job.hash] = (run.attempt, run.remembered)
        if len(resumed) == 2:
            stop.set()

    engine = PostgresEngine(new)
    worker = Thread(target=engine.run, args=({"build": build},), kwargs={
        "concurrency": {"build": 2}, "stop": stop})  # fmt: skip
    worker.start()
    worker.join(30)
    assert not worker.is_alive()
    assert sorted(attempt for attempt, _ in resumed.values()) == [1, 2]
    (remembered,) = (remembered for attempt, remembered in resumed.values() if attempt == 2)
    assert (remembered.done, remembered.open) == ((done(0),), (opened(1),))


def test_new_jobs_are_numbered_behind_those_that_were_carried(
    old_url: str, new: Engine, postgres_with_tables: str
) -> None:
    move(old_url, postgres_with_tables)
    store = JobStore(new)
    hash_ = store.create(request(), defer=lambda *_: None)
    assert store.get(hash_).id == 5
    again = store.create(
        request(idempotency_key="once", client="ann"), defer=lambda *_: pytest.fail("a second job")
    )
    assert store.get(again).state is JobState.QUEUED


def test_a_new_database_that_is_not_empty_is_refused(
    old_url: str, new: Engine, postgres_with_tables: str
) -> None:
    JobStore(new).create(request(), defer=lambda *_: None)
    before = rows(new)
    with pytest.raises(UsageError, match="is not empty"):
        move(old_url, postgres_with_tables)
    assert rows(new) == before


def test_a_database_that_a_program_has_open_is_refused(
    old_url: str, new: Engine, postgres_with_tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "_REST_SECONDS", 0.1)
    service = database.connect(old_url)
    JobStore(service).counts()
    with pytest.raises(UsageError, match="stop the service first"):
        move(old_url, postgres_with_tables)
    service.dispose()
    assert rows(new) == []


def test_what_ends_in_the_middle_leaves_nothing_behind(
    old_url: str, new: Engine, postgres_with_tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As many as were read, and one fewer than that.
    monkeypatch.setattr("packmule.wiring.moving.require_empty", lambda _: None)
    counts = iter([4, 3])
    monkeypatch.setattr(moving, "count", lambda *_: next(counts))
    with pytest.raises(StorageFailed, match="Of 4 rows of `jobs` 3 have arrived"):
        move(old_url, postgres_with_tables)
    assert rows(new) == []


def test_only_sqlite_is_left_and_only_postgresql_is_entered(old_url: str) -> None:
    for urls in ((old_url, old_url), ("postgresql://x/y", old_url)):
        with pytest.raises(UsageError, match="to postgresql"):
            move(*urls)
    with pytest.raises(UsageError, match="no job database"):
        move(f"{old_url}.missing", "postgresql://x/y")


def test_an_old_database_of_another_version_is_refused(
    old_url: str, new: Engine, postgres_with_tables: str
) -> None:
    old = database.connect(old_url)
    with database.writing(old) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    old.dispose()
    with pytest.raises(UsageError, match="older than this program"):
        move(old_url, postgres_with_tables)
    assert rows(new) == []


def test_the_command_tells_what_it_carried_and_no_password(
    old_url: str, postgres_with_tables: str
) -> None:
    environment = {"PACKMULE_DATABASE_URL": postgres_with_tables}
    arguments = ["migrate-store", "--from", old_url]
    ended = CliRunner().invoke(main, arguments, env=environment)
    assert ended.exit_code == 0
    assert "Copied 4 jobs, 0 messages, 0 archive parts, 12 files, 0 parts, 2 tasks" in ended.stdout
    environment = {"PACKMULE_DATABASE_URL": "mysql://me:hunter2@127.0.0.1/x"}
    ended = CliRunner().invoke(main, arguments, env=environment)
    assert ended.exit_code == 2
    assert "hunter2" not in ended.output
