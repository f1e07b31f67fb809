"""The backends that each suite runs on: a further one is a further parameter here.

A suite sees only what these fixtures give it, so that it holds for every backend alike.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from tests.fakes.bucket import GIVEN, FakeS3, running_s3
from tests.fakes.clock import FakeClock
from tests.fakes.databases import migrated
from tests.fakes.faulty_s3 import before
from tests.fakes.jobs import RETENTION
from tests.fakes.nanio import running_nanio
from tests.fakes.postgres import DatabaseClock

from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.postgres import PostgresEngine
from packmule.jobs import database
from packmule.jobs.store import JobStore
from packmule.storage.local import LocalStorage
from packmule.storage.s3 import S3Storage
from packmule.storage.s3_bucket import Bucket, BucketAddress, Encryption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine as Database

    from packmule.engine.interface import Engine
    from packmule.storage.interface import Storage


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a database of each kind that jobs may be kept in, with nothing in it."""
    match request.param:
        case "sqlite":
            return f"sqlite:///{tmp_path / 'packmule.db'}"
        case "postgresql":
            return str(request.getfixturevalue("postgres_with_tables"))
        case other:
            raise AssertionError(other)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """Open that database, with its tables."""
    if database_url.startswith("sqlite"):
        engine = migrated(Path(database_url.removeprefix("sqlite:///")))
    else:
        engine = database.connect(database_url)  # it has its tables
    yield engine
    engine.dispose()


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> FakeClock:
    """Give the clock by which the backends of this test live."""
    url = request.getfixturevalue("database_url") if "db" in request.fixturenames else ""
    return DatabaseClock(url) if url.startswith("postgresql") else FakeClock()


@pytest.fixture
def store(db: Database, clock: FakeClock) -> JobStore:
    """Give the job store over that database."""
    return JobStore(db, clock, retention=RETENTION)


_SERVERS = {"moto": "s3_server", "nanio": "nanio_server", "strict": "strict_server"}
# The strict server is moto, which refuses more.
_STORAGES = [
    "local",
    pytest.param("moto", marks=pytest.mark.long),
    pytest.param("nanio", marks=pytest.mark.long),
    "strict",
]


class EngineMaker(Protocol):
    """Makes one more engine over the same tasks, as another process would."""

    def __call__(self) -> Engine: ...


@pytest.fixture
def make_engine(db: Database, clock: FakeClock) -> EngineMaker:
    """Give engines of the kind that belongs to the database."""
    if db.dialect.name == "postgresql":
        return lambda: PostgresEngine(db, clock, look_every=0.05)
    return lambda: EmbeddedEngine(db, clock)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[FakeS3]:
    """Run one S3 server for all tests."""
    with running_s3() as server:
        yield server


@pytest.fixture(scope="session")
def nanio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeS3]:
    """Run one server of the other kind for all tests."""
    with running_nanio(tmp_path_factory.mktemp("s3") / "nanio") as server:
        yield server


@pytest.fixture(scope="session")
def strict_server(s3_server: FakeS3) -> Iterator[FakeS3]:
    """Run one that takes parts only as the strictest stores do."""
    with before(s3_server.url) as strict:
        yield FakeS3(strict.url)


@pytest.fixture(params=["given"] if GIVEN in os.environ else _STORAGES)
def open_storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Storage]:
    """Give a function that opens the same storage, as after a restart."""
    match request.param:
        case "local":
            return lambda: LocalStorage(tmp_path / "data")
        case "moto" | "nanio" | "strict" | "given":
            server: FakeS3 = (
                FakeS3(os.environ[GIVEN])
                if request.param == "given"
                else request.getfixturevalue(_SERVERS[request.param])
            )
            for name, value in server.environment.items():
                monkeypatch.setenv(name, value)
            address = BucketAddress(server.make_bucket(), "some/archives/")
            return lambda: S3Storage(
                Bucket(address, Encryption()), tmp_path / "data", most_bytes=10**9
            )
        case other:
            raise AssertionError(other)
