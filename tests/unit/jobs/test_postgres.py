"""PostgreSQL as the job database: how it is reached, what its refusals are called."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import errors
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from tests.fakes.jobs import FAILURE, begun, checkpoint, no_defer, opened, request
from tests.fakes.postgres import cut_connections

from packmule.errors import (
    DatabaseAway,
    DatabaseRefused,
    DiskFull,
    StaleAttempt,
    StorageFailed,
    UsageError,
)
from packmule.jobs import database, postgres
from packmule.jobs.model import Fence
from packmule.jobs.schema import metadata
from packmule.jobs.store import JobStore
from packmule.jobs.upgrading import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from packmule.jobs.model import Job


@pytest.fixture
def db(postgres_with_tables: str) -> Iterator[Engine]:
    engine = database.connect(postgres_with_tables)
    yield engine
    engine.dispose()


def cut_all(db: Engine) -> None:
    cut_connections(db.url.set(drivername="postgresql").render_as_string(hide_password=False))


# --- the tables ---------------------------------------------------------------------------------


def test_the_migrations_make_the_very_tables_of_the_schema(postgres_url: str) -> None:
    db = database.connect(postgres_url)
    upgrade(db)
    with database.reading(db) as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    db.dispose()


def test_several_processes_may_upgrade_at_once(postgres_url: str) -> None:
    together = Barrier(4)
    faults: list[Exception] = []

    def upgrade_once() -> None:
        db = database.connect(postgres_url)
        together.wait()
        try:
            upgrade(db)
        except Exception as error:  # noqa: BLE001  # looked at below
            faults.append(error)
        db.dispose()

    threads = [Thread(target=upgrade_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_newer_database_is_refused(postgres_url: str) -> None:
    db = database.connect(postgres_url)
    upgrade(db)
    with database.writing(db) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UsageError, match="newer than this program"):
        upgrade(db)
    db.dispose()


# --- transactions -------------------------------------------------------------------------------


def test_a_reader_sees_one_moment_and_cannot_write(db: Engine) -> None:
    count = text("SELECT count(*) FROM jobs")
    store = JobStore(db)
    with database.reading(db) as reader:
        assert reader.execute(count).scalar_one() == 0
        store.create(request(), defer=no_defer)
        assert reader.execute(count).scalar_one() == 0
    with pytest.raises(StorageFailed), database.reading(db) as reader:
        reader.execute(text("DELETE FROM jobs"))
    with database.writing(db) as writer:
        assert writer.execute(text("DELETE FROM jobs")).rowcount == 1


def test_a_deletion_waits_for_the_end_it_meets(db: Engine) -> None:
    store = JobStore(db)
    run = begun(store)
    ended: list[Job] = []

    def delete_meanwhile(_connection: object, _job: Job) -> None:
        deleting.start()
        deleting.join(0.3)
        assert deleting.is_alive()

    deleting = Thread(target=lambda: ended.append(store.delete(run.job.hash)))
    store.fail(run.fence, FAILURE, in_same_transaction=delete_meanwhile)
    deleting.join(10)
    assert [job.state for job in ended] == ["expired"]


# --- away ---------------------------------------------------------------------------------------


def test_connections_that_the_server_has_cut_are_made_anew(db: Engine) -> None:
    store = JobStore(db)
    hash_ = store.create(request(), defer=no_defer)
    cut_all(db)
    assert store.get(hash_).hash == hash_


def test_a_connection_cut_within_a_transaction_is_a_database_that_is_away(db: Engine) -> None:
    for opening in (database.writing, database.reading):
        with pytest.raises(DatabaseAway), opening(db) as connection:  # noqa: PT012  # within one
            connection.execute(text("SELECT 1"))
            cut_all(db)
            connection.execute(text("SELECT 1"))


def test_a_checkpoint_cut_in_the_middle_is_written_again_by_itself(
    db: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = JobStore(db)
    run = begun(store)
    update = store._entries.update
    cuts = 0

    def cut_once(*values: object) -> None:
        nonlocal cuts
        cuts += 1
        if cuts == 1:
            cut_all(db)
        update(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(store._entries, "update", cut_once)
    store.checkpoint(run.fence, checkpoint(opened()))
    assert cuts == 2
    again = store.begin(run.job.hash)
    assert again is not None
    assert again.remembered.open == (opened(),)


def test_an_end_is_told_again_until_it_has_come_through_and_then_refused(db: Engine) -> None:
    store = JobStore(db)
    run = begun(store)
    ends = 0

    def cut_once(_connection: object, _job: Job) -> None:
        nonlocal ends
        ends += 1
        if ends == 1:
            cut_all(db)

    store.fail(run.fence, FAILURE, in_same_transaction=cut_once)
    assert ends == 2
    with pytest.raises(StaleAttempt):
        store.fail(run.fence, FAILURE)


def test_patience_with_a_database_that_stays_away_has_an_end(postgres_url: str) -> None:
    gone = make_url(postgres_url).set(port=1).render_as_string(hide_password=False)
    db = database.connect(gone)
    with pytest.raises(DatabaseAway):
        JobStore(db, patience=0.1).checkpoint(Fence(1, 1, ""), checkpoint(opened()))
    db.dispose()


# --- what the server says -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (errors.DiskFull("x"), DiskFull),
        (errors.AdminShutdown("x"), DatabaseAway),
        (errors.CannotConnectNow("x"), DatabaseAway),
        (errors.TooManyConnections("x"), DatabaseAway),
        (errors.ReadOnlySqlTransaction("x"), DatabaseAway),
        (errors.ConnectionFailure("x"), DatabaseAway),
        (psycopg.OperationalError("server closed the connection"), DatabaseAway),
        (errors.QueryCanceled("x"), DatabaseAway),
        (errors.DeadlockDetected("x"), DatabaseAway),
        (errors.IdleInTransactionSessionTimeout("x"), DatabaseAway),
        (errors.IoError("x"), StorageFailed),
    ],
)
def test_what_the_server_says_is_told_apart(
    error: psycopg.Error, ours: type[StorageFailed | DiskFull]
) -> None:
    assert type(postgres.translated(error)) is ours


@pytest.mark.parametrize(
    "said",
    [
        'FATAL:  password authentication failed for user "me"',
        'FATAL:  database "x" does not exist',
        'FATAL:  role "me" does not exist',
        'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "me", database "x", no encryption',
        'FATAL:  role "me" is not permitted to log in',
        "fe_sendauth: no password supplied",
        "server does not support SSL, but SSL was required",
        "SSL error: certificate verify failed",
    ],
)
def test_a_server_that_lets_nobody_in_is_told_from_one_that_is_away(said: str) -> None:
    beginning = 'connection failed: connection to server at "10.0.0.2", port 5432 failed:'
    error = postgres.translated(psycopg.OperationalError(f"{beginning} {said}\nand more"))
    assert type(error) is DatabaseRefused
    assert said.partition(":  ")[2] in " ".join(error.reason.split())
    assert "me" not in str(error).split()


def test_what_a_user_may_not_do_is_said_with_what_to_grant(db: Engine) -> None:
    with db.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE reader_of_nothing")
        connection.commit()
    with pytest.raises(StorageFailed, match="GRANT"), database.writing(db) as connection:
        connection.exec_driver_sql("SET LOCAL ROLE reader_of_nothing; DELETE FROM jobs")
    with db.connect() as connection:
        connection.exec_driver_sql("DROP ROLE reader_of_nothing")
        connection.commit()


def test_an_error_never_shows_a_value_or_the_password() -> None:
    db = database.connect("postgresql://me:hunter2@127.0.0.1:1/x")
    with pytest.raises(DatabaseAway) as told, database.reading(db):
        pass
    cause = told.value.__cause__
    assert isinstance(cause, DBAPIError)
    assert "hunter2" not in f"{told.value} {told.value.reason} {cause} {db.url}"
    assert "Connection refused" in told.value.reason
    assert "127.0.0.1" not in str(told.value)  # it is for clients
    db.dispose()


def test_the_urls_own_word_counts_before_ours() -> None:
    url = make_url("postgresql://host/name?connect_timeout=1&application_name=mine")
    arguments = postgres.connect_arguments(url)
    assert not {"connect_timeout", "application_name"} & set(arguments)
    assert arguments["prepare_threshold"] is None


def test_a_server_that_has_come_to_only_read_is_left(db: Engine) -> None:
    with db.connect() as connection:  # given back to the pool as it is
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.commit()
    store = JobStore(db)
    with pytest.raises(DatabaseAway):
        store.create(request(), defer=no_defer)
    assert store.create(request(), defer=no_defer)


def test_several_servers_may_be_named() -> None:
    url = make_url("postgresql://me@/x?host=a:5432&host=b:5433&target_session_attrs=read-write")
    engine = postgres.connect(url)
    _, arguments = engine.dialect.create_connect_args(engine.url)
    assert (arguments["host"], arguments["port"]) == ("a,b", "5432,5433")
    assert arguments["target_session_attrs"] == "read-write"


def test_who_freezes_with_a_row_in_his_hand_lets_go_of_it(
    db: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LET_GO", "SET LOCAL idle_in_transaction_session_timeout = 200")
    store = JobStore(db)
    hash_ = store.create(request(), defer=no_defer)
    with pytest.raises(DatabaseAway), database.writing(db) as frozen:  # noqa: PT012  # within one
        frozen.execute(text("UPDATE jobs SET attempt = 7"))
        run = store.begin(hash_)  # waits until the other is cut
        frozen.execute(text("SELECT 1"))
    assert run is not None
    assert run.attempt == 1
