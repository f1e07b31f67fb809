"""POST /api/archive/finish/<hash>: the archive now, with what is packed, fetching nothing."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.spec.service import Service, until

if TYPE_CHECKING:
    import httpx
    from tests.fakes.origin import Origin

SIZE = 3_000_000


def finish(service: Service, archive_hash: str) -> httpx.Response:
    return service.client.post(f"/api/archive/finish/{archive_hash}")


def held_bytes(service: Service, archive_hash: str) -> int:
    done: int = service.status(archive_hash)["progress"]["bytes"]["done"]
    return done


def begun(service: Service, origin: Origin, folder: str) -> tuple[str, bytes]:
    """Create a job: one file is packed, one comes in part, of one nothing comes."""
    whole = random.Random(folder).randbytes(SIZE)
    links = [
        origin.put(f"{folder}/whole.bin", whole),
        origin.put(f"{folder}/slow.bin", whole, held_from=SIZE // 2),
        origin.put(f"{folder}/silent.bin", whole, held_from=0),
    ]
    archive_hash = service.create(*links)
    until(lambda: service.kept(archive_hash)[0] == SIZE, "the first file is packed")
    until(lambda: held_bytes(service, archive_hash) > SIZE, "the second one is under way")
    return archive_hash, whole


def assert_finished(service: Service, archive_hash: str, whole: bytes) -> None:
    found = service.outcome(archive_hash)
    assert found["status"] == "completed", found
    assert [(each["position"], each["code"]) for each in found["missing"]] == [
        (1, "left-out"),
        (2, "left-out"),
    ]
    members = service.members(archive_hash)
    assert list(members) == ["whole.bin", "_missing.txt"]
    assert members["whole.bin"] == whole
    assert b"code: left-out" in members["_missing.txt"]


def test_a_running_job_is_completed_at_once_with_what_is_packed(
    service: Service, origin: Origin
) -> None:
    archive_hash, whole = begun(service, origin, "/finish/running")
    answer = finish(service, archive_hash)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/archive/status/{archive_hash}"
    assert answer.json()["finishing"] is True
    assert_finished(service, archive_hash, whole)
    assert len(origin.requests_for("/finish/running/slow.bin")) == 1
    again = finish(service, archive_hash)
    assert (again.status_code, again.json()["status"]) == (202, "completed")


def test_a_failed_job_is_completed_and_nothing_is_fetched_again(
    service: Service, origin: Origin
) -> None:
    url, dead = origin.put("/finish/failed/a.txt", b"packed"), origin.url("/finish/failed/gone")
    archive_hash = service.create(url, dead)
    found = service.outcome(archive_hash)
    assert (found["status"], found["files"]) == ("failed", {"total": 2, "done": 1, "failed": 1})
    asked = len(origin.requests_for("/finish/failed/gone"))
    assert finish(service, archive_hash).json()["status"] == "in-progress"
    found = service.outcome(archive_hash)
    assert found["status"] == "completed"
    assert [each["code"] for each in found["missing"]] == ["http-status"]
    assert list(service.members(archive_hash)) == ["a.txt", "_missing.txt"]
    assert len(origin.requests_for("/finish/failed/gone")) == asked
    assert len(origin.requests_for("/finish/failed/a.txt")) == 1


def test_where_nothing_is_packed_there_is_nothing_to_finish(
    service: Service, origin: Origin
) -> None:
    archive_hash = service.create(origin.put("/finish/none.bin", bytes(SIZE), held_from=1000))
    answer = finish(service, archive_hash)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert "Nothing is packed yet" in answer.json()["detail"]
    service.client.post(f"/api/archive/cancel/{archive_hash}")
    answer = finish(service, archive_hash)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert "The job is cancelled" in answer.json()["detail"]
    assert finish(service, "0" * 32).status_code == 404


def requests_for_all(origin: Origin, folder: str) -> list[int]:
    return [
        len(origin.requests_for(f"{folder}/{name}.bin")) for name in ("whole", "slow", "silent")
    ]


def test_a_job_asked_to_finish_while_no_worker_runs_is_completed_by_the_next(
    anywhere: Service, origin: Origin
) -> None:
    folder = f"/finish/away/{anywhere.port}"
    archive_hash, whole = begun(anywhere, origin, folder)
    anywhere.kill()
    asked = requests_for_all(origin, folder)
    ended = subprocess.run(
        [sys.executable, "-m", "packmule", "jobs", "finish", archive_hash],
        env=anywhere.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    anywhere.start()
    assert_finished(anywhere, archive_hash, whole)
    assert requests_for_all(origin, folder) == asked


def test_a_job_whose_worker_is_killed_while_it_finishes_is_completed_by_the_next(
    anywhere: Service, origin: Origin
) -> None:
    folder = f"/finish/killed/{anywhere.port}"
    archive_hash, whole = begun(anywhere, origin, folder)
    asked = requests_for_all(origin, folder)
    assert finish(anywhere, archive_hash).status_code == 202
    anywhere.kill()
    anywhere.start()
    assert_finished(anywhere, archive_hash, whole)
    assert requests_for_all(origin, folder) == asked
