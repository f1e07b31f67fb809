"""The same program on PostgreSQL: whatever dies, worker or database, jobs come to their end."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from tests.fakes.postgres_server import PostgresServer
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.origin import Origin

pytestmark = pytest.mark.timeout(400)  # a database and a program, each started twice

SIZE = 8_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Give a database server of this file's own, to be restarted."""
    with PostgresServer() as running:
        yield running


@pytest.fixture
def own(tmp_path: Path, server: PostgresServer) -> Iterator[Service]:
    """Give a program on an empty database, not yet started."""
    url = server.create(f"spec_{tmp_path.name.translate(str.maketrans('-[]', '___'))}"[:60])
    settings = {"ATTEMPTS": "2", "DRAIN_TIMEOUT": "20", "TRANSFERS_PER_HOST": "3"}
    with Service(tmp_path, DATABASE_URL=url, **settings) as running:
        yield running


def bodies_of(
    origin: Origin, path: str, *, held_from: int = SIZE // 2
) -> tuple[dict[str, bytes], list[str]]:
    """Put three bodies onto an origin, of which it holds the end back."""
    bodies = {f"{n}.bin": random.Random(f"{path}/{n}").randbytes(SIZE) for n in range(3)}
    links = [
        origin.put(f"{path}/{name}", body, held_from=held_from) for name, body in bodies.items()
    ]
    return bodies, links


@pytest.mark.long  # tests/failover has the same of a fleet
def test_a_killed_programs_job_is_completed_by_the_next_without_fetching_all_again(
    own: Service, origin: Origin
) -> None:
    bodies, links = bodies_of(origin, "/postgres/killed", held_from=SIZE - 1)
    archive_hash = own.start().create(*links)
    until(lambda: all(own.kept(archive_hash)), "a block of each is on the disk")
    own.kill()
    origin.release(*(f"/postgres/killed/{name}" for name in bodies))
    own.start()
    assert own.outcome(archive_hash)["status"] == "completed"
    assert own.members(archive_hash) == bodies
    again = [r for name in bodies for r in origin.requests_for(f"/postgres/killed/{name}")[1:]]
    assert len(again) == len(bodies)
    assert all("Range" in request.headers for request in again)


@pytest.mark.parametrize("how", [pytest.param("stop", marks=pytest.mark.long), "kill"])
def test_a_job_goes_on_where_it_is_when_the_database_was_restarted_in_the_middle(
    own: Service, origin: Origin, server: PostgresServer, how: str
) -> None:
    bodies, links = bodies_of(origin, f"/postgres/{how}")
    archive_hash = own.start().create(*links)
    until(lambda: own.status(archive_hash)["progress"]["bytes"]["done"] >= SIZE // 2, "some bytes")
    getattr(server, how)()
    answer = own.client.get(f"/api/archive/status/{archive_hash}")
    assert answer.status_code == 503
    assert answer.json()["code"] == "storage"
    assert "Retry-After" in answer.headers
    origin.release(*(f"/postgres/{how}/{name}" for name in bodies))
    time.sleep(1.5)  # longer than from one checkpoint to the next
    server.start()
    assert own.outcome(archive_hash)["status"] == "completed"
    assert own.members(archive_hash) == bodies
    for name in bodies:
        assert len(origin.requests_for(f"/postgres/{how}/{name}")) == 1
    assert own.completed(origin.put(f"/postgres/after-{how}", b"x"))


def test_it_is_not_ready_while_the_database_is_away(own: Service, server: PostgresServer) -> None:
    own.start()
    server.stop()
    until(lambda: own.client.get("/readyz").status_code == 503, "not ready")  # a look holds 1 s
    assert "database" in own.client.get("/readyz").json()["detail"]
    server.start()
    until(lambda: own.client.get("/readyz").is_success, "ready again")
    assert own.stop() == 0
