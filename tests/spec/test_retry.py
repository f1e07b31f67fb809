"""A failed job tried again: whatever made it fail, once that is mended it completes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from tests.fakes.origin import Origin

A_FAULT_OF_OURS = """
from pathlib import Path
from packmule.assembly.receiving import EntryReceiver

accept = EntryReceiver.accept

def faulty(self, *values, **more):
    if self.position == 1 and Path({marker!r}).exists():
        raise RuntimeError("a fault of ours")
    return accept(self, *values, **more)

EntryReceiver.accept = faulty
"""


def retry(service: Service, archive_hash: str, **body: Any) -> httpx.Response:
    return service.client.post(f"/api/archive/retry/{archive_hash}", json=body)


def error_of(service: Service, archive_hash: str) -> str:
    found = service.outcome(archive_hash)
    assert found["status"] == "failed", found
    code: str = found["error"]["code"]
    return code


@pytest.mark.long  # test_room.py has a smaller one, on a disk that is full indeed
def test_after_a_full_disk_it_completes_when_there_is_room(tmp_path: Path, origin: Origin) -> None:
    url = origin.put("/retry/room.txt", b"room")
    with Service(tmp_path, MIN_FREE_BYTES="1000 PB") as service:
        service.start()
        archive_hash = service.create(url)
        assert error_of(service, archive_hash) == "disk-full"
        assert retry(service, archive_hash).status_code == 202
        assert error_of(service, archive_hash) == "disk-full"
        service.stop()
    with Service(tmp_path) as service:
        service.start()
        assert retry(service, archive_hash).status_code == 202
        assert service.outcome(archive_hash)["status"] == "completed"
        assert service.members(archive_hash) == {"room.txt": b"room"}


def test_after_a_storage_that_refused_it_completes_and_fetches_nothing_again(
    tmp_path: Path, origin: Origin
) -> None:
    archives = tmp_path / "data/archives"
    archives.parent.mkdir()
    archives.write_bytes(b"a file where the folder belongs")
    with Service(tmp_path) as service:
        service.start()
        archive_hash = service.create(origin.put("/retry/storage.txt", b"stored"))
        assert error_of(service, archive_hash) == "storage"
        archives.unlink()
        assert retry(service, archive_hash).status_code == 202
        assert service.outcome(archive_hash)["status"] == "completed"
        assert service.members(archive_hash) == {"storage.txt": b"stored"}
    assert len(origin.requests_for("/retry/storage.txt")) == 1


def test_after_a_fault_of_ours_it_completes_and_fetches_only_that_file(
    tmp_path: Path, origin: Origin
) -> None:
    marker = tmp_path / "faulty"
    marker.touch()
    start = tmp_path / "start"
    start.mkdir()
    program = A_FAULT_OF_OURS.format(marker=str(marker))
    (start / "sitecustomize.py").write_text(program, encoding="utf-8")
    links = [origin.put(f"/retry/fault/{n}.txt", f"{n}".encode()) for n in range(3)]
    with Service(tmp_path) as service:
        path = [str(start), *service.environment.get("PYTHONPATH", "").split(os.pathsep)]
        service.environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        service.start()
        archive_hash = service.create(*links)
        assert error_of(service, archive_hash) == "files-failed"
        [failure] = service.status(archive_hash)["failures"]
        assert (failure["url"], failure["code"]) == (links[1], "internal")
        marker.unlink()
        assert retry(service, archive_hash).status_code == 202
        assert service.outcome(archive_hash)["status"] == "completed"
        assert service.members(archive_hash) == {f"{n}.txt": f"{n}".encode() for n in range(3)}
    asked = [len(origin.requests_for(f"/retry/fault/{n}.txt")) for n in range(3)]
    assert asked == [1, 2, 1]


def test_where_nothing_could_be_fetched_there_is_nothing_to_go_on_without(
    service: Service, origin: Origin
) -> None:
    dead = [origin.url(f"/retry/dead/{n}") for n in range(2)]
    archive_hash = service.create(*dead)
    assert error_of(service, archive_hash) == "files-failed"
    answer = retry(service, archive_hash, on_error="skip")
    assert (answer.status_code, answer.json()["status"]) == (202, "in-progress")
    assert error_of(service, archive_hash) == "files-failed"
    found = service.status(archive_hash)
    assert found["error"]["detail"] == "2 of 2 files could not be fetched"
    assert [each["url"] for each in found["failures"]] == dead
    origin.put("/retry/dead/1", b"alive")
    assert retry(service, archive_hash).status_code == 202
    assert service.outcome(archive_hash)["status"] == "completed"
    assert list(service.members(archive_hash)) == ["1", "_missing.txt"]
