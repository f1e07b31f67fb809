"""What `packmule.client` promises against the real service, blocking and asynchronous alike."""

from __future__ import annotations

import random
import signal
import threading
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.fakes.cutting_proxy import CuttingProxy
from tests.fakes.either_client import KINDS, EitherClient
from tests.spec.service import Service, a_free_port

from packmule.client import (
    APIStatusError,
    Cancelled,
    Completed,
    ConnectionError,
    Expired,
    Failed,
    InProgress,
    InvalidResponseError,
    NotCompleted,
    WaitTimeout,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin

NO_JOB = "0" * 32


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, service: Service) -> EitherClient:
    return EitherClient(request.param, service.url)


def test_from_links_to_an_archive(client: EitherClient, origin: Origin, tmp_path: Path) -> None:
    urls = [origin.put(f"/client/{name}", name.encode()) for name in ("a.txt", "b.txt", "c.txt")]
    links = [urls[0], (urls[1], "deep/b.txt"), {"url": urls[2], "name": "c2.txt"}]
    archive_hash = client.create(links, name="holiday.zip", compression="store", priority=3)
    told: list[int] = []
    done = client.fetch(archive_hash, tmp_path / "x.zip", on_bytes=lambda n, _: told.append(n))
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.txt": b"a.txt", "deep/b.txt": b"b.txt", "c2.txt": b"c.txt",
        }  # fmt: skip
    assert (done.size, done.missing) == ((tmp_path / "x.zip").stat().st_size, ())
    assert told[-1] == done.size
    found = client.status(archive_hash)
    assert isinstance(found, Completed)
    assert found.expires_at > datetime.now(UTC)
    assert [file.name for file in client.files(archive_hash, page_size=2)] == [
        "a.txt", "deep/b.txt", "c2.txt",
    ]  # fmt: skip
    client.delete(archive_hash)
    client.delete(archive_hash)
    assert client.status(archive_hash) == Expired()
    with pytest.raises(APIStatusError) as gone:
        client.download(archive_hash, tmp_path / "y.zip")
    assert (gone.value.status_code, gone.value.code) == (410, "gone")


def test_a_failed_job_is_told_and_tried_again(
    client: EitherClient, origin: Origin, tmp_path: Path
) -> None:
    path = f"/client/late-{random.random()}.txt"
    archive_hash = client.create([origin.put("/client/good.txt", b"x"), origin.url(path)])
    with pytest.raises(NotCompleted) as failed:
        client.fetch(archive_hash, tmp_path / "x.zip")
    assert isinstance(failed.value.status, Failed)
    assert [each.code for each in failed.value.status.failures] == ["http-status"]
    assert [each.failure.code for each in client.files(archive_hash, state="failed")] == [
        "http-status"
    ]
    assert isinstance(client.retry(archive_hash, on_error="skip"), InProgress)
    found = client.wait(archive_hash)
    assert isinstance(found, Completed)
    assert [each.url for each in found.missing] == [origin.url(path)]


def test_a_job_in_progress_is_waited_for_in_bounds_and_cancelled(
    client: EitherClient, origin: Origin
) -> None:
    slow = origin.put(f"/client/slow-{random.random()}", b"slow" * 50_000, held_from=20_000)
    archive_hash = client.create([slow])
    told: list[InProgress] = []
    with pytest.raises(WaitTimeout) as over:
        client.wait(archive_hash, timeout=1.2, on_progress=told.append)
    assert told
    assert told[-1] == over.value.status
    assert client.cancel(archive_hash) == Cancelled()
    assert client.cancel(archive_hash) == Cancelled()
    assert client.wait(archive_hash) == Cancelled()


def test_what_cannot_be_asked_is_refused_with_each_bad_item(client: EitherClient) -> None:
    with pytest.raises(APIStatusError) as refused:
        client.create(["http://example.org/good", "ftp://example.org/bad"], name="a/b")
    assert (refused.value.status_code, refused.value.code) == (422, "invalid-request")
    assert [item.where for item in refused.value.errors] == ["/name", "/urls/1"]
    with pytest.raises(APIStatusError) as unknown:
        client.status(NO_JOB)
    assert unknown.value.code == "not-found"


def test_a_server_that_is_none_is_told(service: Service, origin: Origin) -> None:
    nobody = EitherClient("sync", f"http://127.0.0.1:{a_free_port()}", request_timeout=0.5)
    with pytest.raises(ConnectionError):
        nobody.status(NO_JOB)
    with pytest.raises(InvalidResponseError):
        EitherClient("sync", origin.url("")).status(NO_JOB)
    with pytest.raises(APIStatusError):
        EitherClient("sync", f"{service.url}/").status(NO_JOB)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_answer_to_create_makes_no_second_job(
    service: Service, origin: Origin, kind: str
) -> None:
    url = origin.put(f"/client/once-{kind}.txt", b"once")
    allowed = iter([0, 30, 100])
    with CuttingProxy(service.port, lambda: next(allowed, None)) as proxy:
        archive_hash = EitherClient(kind, proxy.url).create([url])
        assert proxy.connections == 4
    assert service.outcome(archive_hash)["status"] == "completed"
    assert len(origin.requests_for(f"/client/once-{kind}.txt")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_download_cut_at_random_gives_the_same_bytes(
    service: Service, origin: Origin, tmp_path: Path, kind: str
) -> None:
    body = random.Random(11).randbytes(3_000_000)
    archive_hash = service.completed(origin.put("/client/cut.bin", body))
    randomly = random.Random(kind)
    with CuttingProxy(service.port, lambda: randomly.randrange(1, 600_000)) as proxy:
        client = EitherClient(kind, proxy.url)
        done = client.download(archive_hash, tmp_path / "x.zip")
        assert proxy.cuts >= 5
    whole = service.download(archive_hash)
    assert (tmp_path / "x.zip").read_bytes() == whole.content
    assert done.etag == whole.headers["etag"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_waiting_and_downloading_outlive_a_killed_service(tmp_path: Path, origin: Origin) -> None:
    kind = "asyncio"  # every decision is shared; one kill is enough
    body = random.Random(12).randbytes(2_000_000)
    path = f"/client/restart-{kind}.bin"
    url = origin.put(path, body, held_from=1_000_000)
    with Service(tmp_path, ATTEMPTS="2") as own:
        archive_hash = own.start().create(url)
        client = EitherClient(kind, own.url)

        def kill_and_start() -> None:
            own.kill()
            origin.release(path)
            own.start()

        killer = threading.Thread(target=kill_and_start)

        def progress(_: InProgress) -> None:
            if killer.ident is None:
                killer.start()

        done = client.fetch(archive_hash, tmp_path / "x.zip", on_progress=progress)
        killer.join()
        assert own.stop(signal.SIGTERM) == 0
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.read(f"restart-{kind}.bin") == body
    assert done.kept == 0
