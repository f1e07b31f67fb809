"""How the database is opened, and what its refusals are called."""

from __future__ import annotations

import sqlite3
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from tests.fakes.jobs import begun, checkpoint, no_defer, opened, request

from packmule.errors import DiskFull, PackmuleError, SettingInvalid, StorageFailed
from packmule.jobs import database
from packmule.jobs.store import JobStore

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def pragma(db: Engine, name: str) -> object:
    with database.reading(db) as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


# --- connect ------------------------------------------------------------------------------------


def test_a_commit_survives_a_power_cut_and_readers_never_wait(db: Engine) -> None:
    assert pragma(db, "journal_mode") == "wal"
    full = 2
    assert pragma(db, "synchronous") == full


def test_a_file_needs_its_job(db: Engine) -> None:
    with pytest.raises(IntegrityError), database.writing(db) as connection:
        connection.execute(
            text("INSERT INTO files (job_id, position, url) VALUES (1, 0, 'https://a.example')")
        )


def test_of_a_process_one_writer_at_a_time_asks_sqlite(db: Engine) -> None:
    asked: list[object] = []
    event.listen(db, "begin", asked.append)

    def write() -> None:
        with database.writing(db):
            pass

    threads = [Thread(target=write) for _ in range(5)]
    with database.writing(db):
        for thread in threads:
            thread.start()
        threads[0].join(0.2)
        assert len(asked) == 1
    for thread in threads:
        thread.join()
    assert len(asked) == 1 + len(threads)


def test_a_writer_that_failed_lets_the_next_one_in(db: Engine) -> None:
    with pytest.raises(KeyError), database.writing(db):
        raise KeyError
    with database.writing(db) as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_a_reader_sees_one_moment_while_another_writes(db: Engine) -> None:
    count = text("SELECT count(*) FROM tasks")
    task = text("INSERT INTO tasks (kind, key, priority, due_at, tries) VALUES ('a','b',0,0,0)")
    with database.reading(db) as reader:
        assert reader.execute(count).scalar_one() == 0
        with database.writing(db) as writer:
            writer.execute(task)
        assert reader.execute(count).scalar_one() == 0
    with database.reading(db) as reader:
        assert reader.execute(count).scalar_one() == 1


def test_what_raises_in_a_transaction_undoes_it(db: Engine) -> None:
    def fail_halfway() -> None:
        with database.writing(db) as connection:
            connection.execute(text("CREATE TABLE half_done (a)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    with database.reading(db) as connection:
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE name='half_done'"))
        assert found.all() == []


def test_many_threads_write_at_once_and_none_is_refused(db: Engine) -> None:
    store = JobStore(db)
    runs = [begun(store, files=200) for _ in range(8)]
    refused: list[BaseException] = []
    ready = Barrier(8)

    def write(number: int) -> None:
        ready.wait(30)
        try:
            for _ in range(10):
                store.get(runs[number].job.hash)
                entries = [opened(position) for position in range(200)]
                store.checkpoint(runs[number].fence, checkpoint(*entries))
        except PackmuleError as error:
            refused.append(error)

    threads = [Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert refused == []
    assert {store.get(run.job.hash).version for run in runs} == {12}


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("not a url", "not understood"),
        ("mysql://host/db", "mysql"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_a_url_that_will_not_do_is_refused_in_words(url: str, word: str) -> None:
    with pytest.raises(SettingInvalid, match=word):
        database.connect(url)


def test_a_folder_that_cannot_be_made_is_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match="folder"):
        database.connect(f"sqlite:///{tmp_path / 'file' / 'packmule.db'}")


def test_a_file_that_is_no_database_is_a_storage_failure(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"a note to self, " * 1000)
    with pytest.raises(StorageFailed, match="not a database"):
        database.connect(f"sqlite:///{path}")


def test_a_full_disk_is_called_so_and_nothing_is_half_written(db: Engine) -> None:
    with database.writing(db) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        # The pool gives this very connection again.
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    store = JobStore(db)
    hashes: list[str] = []
    with pytest.raises(DiskFull, match="disk is full"):
        store.create(request(1_000), defer=lambda _, hash_: hashes.append(hash_))
    with database.reading(db) as connection:
        assert connection.execute(text("SELECT count(*) FROM jobs")).scalar_one() == 0


def test_waiting_for_another_writer_ends_in_words(
    path: Path, db: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.dispose()
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    impatient = JobStore(database.connect(f"sqlite:///{path}"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed, match="busy"):
        impatient.create(request(), defer=no_defer)
    other.execute("ROLLBACK")
    other.close()
    assert impatient.create(request(), defer=no_defer)


def test_an_error_never_shows_a_links_secret(db: Engine) -> None:
    store = JobStore(db)
    with database.writing(db) as connection:
        connection.execute(text("ALTER TABLE files RENAME COLUMN url TO link"))
    with pytest.raises(StorageFailed) as caught:
        store.create(request(), defer=no_defer)
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"
