"""Behind a pooler that lends a connection for a transaction only, all goes on but the notices.

PgBouncer, `pool_mode = transaction`, with two connections to the server for everybody.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.fakes.documents import blocks
from tests.fakes.jobs import PUBLISHED, checkpoint, done, opened, request
from tests.fakes.postgres_server import NOBODY

from packmule.engine.interface import Task
from packmule.engine.postgres import PostgresEngine
from packmule.jobs import database
from packmule.jobs.model import JobState
from packmule.jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

pytestmark = pytest.mark.needs("pgbouncer")

JOBS = 12


@pytest.fixture
def pooled_url(postgres_with_tables: str, free_port: int) -> Iterator[str]:
    """Give the URL of a database through a pooler."""
    server = conninfo_to_dict(postgres_with_tables)
    folder = Path(tempfile.mkdtemp(prefix="packmule-pooler-"))
    [guide] = blocks("docs/scaling.md", "ini")
    assert "pool_mode = transaction\n" in guide
    (folder / "users").write_text('"packmule" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server['host']} port={server['port']} user=packmule\n"
        f"{guide}listen_addr = 127.0.0.1\nlisten_port = {free_port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users\n"
        "default_pool_size = 2\n"
    )
    as_root = os.geteuid() == 0
    if as_root:
        for path in (folder, *folder.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None
    with (folder / "log").open("wb") as log:
        pooler = subprocess.Popen(
            [program, str(folder / "pgbouncer.ini")],
            stdout=log,
            stderr=log,
            user=NOBODY if as_root else None,
            group=NOBODY if as_root else None,
            extra_groups=[] if as_root else None,
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", free_port)):
                break
            assert pooler.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the pooler does not answer"
            time.sleep(0.02)
        yield f"postgresql://packmule@127.0.0.1:{free_port}/{server['dbname']}"
    finally:
        pooler.kill()
        pooler.wait()
        shutil.rmtree(folder)


def test_jobs_are_created_run_and_completed(pooled_url: str) -> None:
    db = database.connect(pooled_url)
    store, engine, stop = JobStore(db), PostgresEngine(db, look_every=0.1), Event()
    ended: list[str] = []

    def build(key: str, _stop: Event) -> None:
        run = store.begin(key)
        assert run is not None
        store.checkpoint(run.fence, checkpoint(done(0), opened(1)))
        store.complete(run.fence, PUBLISHED, checkpoint(done(1), done(2)))
        ended.append(key)
        if len(ended) == JOBS:
            stop.set()

    def defer(connection: Connection, hash_: str) -> None:
        engine.defer(connection, Task("build", hash_, client=hash_[:1]))

    workers = [_started(engine, build, stop) for _ in range(2)]
    keys = [store.create(request(), defer=defer) for _ in range(JOBS)]
    for worker in workers:
        worker.join(40)
        assert not worker.is_alive()
    assert sorted(ended) == sorted(keys)
    assert {store.get(key).state for key in keys} == {JobState.COMPLETED}
    assert engine.worker_age() is None  # all have said that they end
    db.dispose()


def _started(engine: PostgresEngine, build: Callable[[str, Event], None], stop: Event) -> Thread:
    worker = Thread(
        target=engine.run,
        args=({"build": build},),
        kwargs={"concurrency": {"build": 4}, "stop": stop},
        daemon=True,
    )
    worker.start()
    return worker


def test_nothing_of_a_session_is_left_to_the_next_one_who_gets_the_connection(
    pooled_url: str,
) -> None:
    db = database.connect(pooled_url)
    store = JobStore(db)
    with database.reading(db) as connection:
        connection.exec_driver_sql("SELECT count(*) FROM jobs")
    store.counts()
    store.create(request(), defer=lambda *_: None)
    with psycopg.connect(pooled_url, prepare_threshold=None) as other:
        for name, wanted in (
            ("transaction_isolation", "read committed"),
            ("transaction_read_only", "off"),
            ("idle_in_transaction_session_timeout", "0"),
        ):
            row = other.execute(f"SHOW {name}".encode()).fetchone()
            assert row == (wanted,)
    db.dispose()
