"""Cancel, retry, delete and the list of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

NO_JOB = "0" * 32


def act(service: Service, what: str, archive_hash: str, body: Any = None) -> httpx.Response:
    content = {} if body is None else {"json": body}
    return service.client.post(f"/api/archive/{what}/{archive_hash}", **content)


def files(service: Service, archive_hash: str, **parameters: Any) -> dict[str, Any]:
    answer = service.client.get(f"/api/archive/files/{archive_hash}", params=parameters)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_a_job_in_work_can_be_cancelled(service: Service, origin: Origin) -> None:
    slow = origin.put("/lives/cancel", b"slow" * 50_000, held_from=20_000)
    archive_hash = service.create(slow)
    answer = act(service, "cancel", archive_hash)
    assert answer.status_code == 200
    assert answer.json() == {"status": "cancelled"}
    assert service.status(archive_hash) == {"status": "cancelled"}
    assert act(service, "cancel", archive_hash).status_code == 200


def test_a_job_that_has_ended_cannot_be_cancelled(service: Service, origin: Origin) -> None:
    archive_hash = service.completed(origin.put("/lives/ended", b"x"))
    answer = act(service, "cancel", archive_hash)
    assert answer.status_code == 409
    assert answer.json()["code"] == "wrong-state"


def test_a_failed_job_tried_again_fetches_only_what_failed(
    service: Service, origin: Origin
) -> None:
    good = origin.put("/lives/good.txt", b"good")
    late = origin.url("/lives/late.txt")
    archive_hash = service.create(good, late)
    assert service.outcome(archive_hash)["status"] == "failed"
    origin.put("/lives/late.txt", b"late")
    answer = act(service, "retry", archive_hash)
    assert answer.status_code == 202
    assert answer.json()["status"] == "in-progress"
    assert service.outcome(archive_hash)["status"] == "completed"
    assert service.members(archive_hash) == {"good.txt": b"good", "late.txt": b"late"}
    assert len(origin.requests_for("/lives/good.txt")) == 1


def test_a_failed_job_can_be_completed_without_what_failed(
    service: Service, origin: Origin
) -> None:
    good, dead = origin.put("/lives/kept.txt", b"kept"), origin.url("/lives/gone.txt")
    archive_hash = service.create(good, dead)
    assert service.outcome(archive_hash)["status"] == "failed"
    assert act(service, "retry", archive_hash, {"on_error": "skip"}).status_code == 202
    found = service.outcome(archive_hash)
    assert [each["url"] for each in found["missing"]] == [dead]
    members = service.members(archive_hash)
    assert members["kept.txt"] == b"kept"
    assert list(members) == ["kept.txt", "_missing.txt"]


def test_only_a_failed_job_can_be_tried_again(service: Service, origin: Origin) -> None:
    archive_hash = service.completed(origin.put("/lives/fine", b"x"))
    answer = act(service, "retry", archive_hash)
    assert answer.status_code == 409
    assert answer.json()["code"] == "wrong-state"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"on_error": "ignore"}, "/on_error"), ({"nonsense": 1}, "/nonsense"), ([], "")],
)
def test_a_retry_that_cannot_be_understood_is_422(
    service: Service, body: Any, pointer: str
) -> None:
    answer = act(service, "retry", NO_JOB, body)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def test_a_deleted_archive_is_gone(service: Service, origin: Origin) -> None:
    archive_hash = service.completed(origin.put("/lives/deleted", b"x"))
    answer = service.client.delete(f"/api/archive/{archive_hash}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert service.status(archive_hash) == {"status": "expired"}
    assert service.download(archive_hash).status_code == 410
    assert not list((service.folder / "data").rglob(f"{archive_hash}*"))
    assert service.client.delete(f"/api/archive/{archive_hash}").status_code == 204


def test_a_job_in_work_can_be_deleted(service: Service, origin: Origin) -> None:
    slow = origin.put("/lives/slow", b"slow" * 50_000, held_from=20_000)
    archive_hash = service.create(slow)
    assert service.client.delete(f"/api/archive/{archive_hash}").status_code == 204
    assert service.status(archive_hash) == {"status": "expired"}


def test_the_files_of_a_job_are_listed_in_the_order_of_the_links(
    service: Service, origin: Origin
) -> None:
    links = [origin.put(f"/lives/files/{n}.txt", b"x" * n) for n in (1, 2)]
    links.append(origin.url("/lives/files/dead.txt"))
    archive_hash = service.create(*links[:2], f"{links[2]}?secret=1")
    service.outcome(archive_hash)
    found = files(service, archive_hash)
    assert found["cursor"] is None
    assert [each["url"] for each in found["files"]] == links
    assert [each["position"] for each in found["files"]] == [0, 1, 2]
    assert [each["state"] for each in found["files"]] == ["done", "done", "failed"]
    assert [each["name"] for each in found["files"][:2]] == ["1.txt", "2.txt"]
    assert found["files"][1]["bytes"] == {"done": 2, "total": 2}
    assert found["files"][0]["failure"] is None
    failure = found["files"][2]["failure"]
    assert (failure["code"], failure["http_status"]) == ("http-status", 404)


def test_files_come_in_pages_and_by_state(service: Service, origin: Origin) -> None:
    links = [origin.put(f"/lives/pages/{n}", b"x") for n in range(5)]
    dead = [origin.url(f"/lives/pages/dead/{n}") for n in range(3)]
    archive_hash = service.create(*links, *dead)
    service.outcome(archive_hash)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = files(service, archive_hash, limit=3, **({"cursor": cursor} if cursor else {}))
        assert len(page["files"]) <= 3
        seen += [each["url"] for each in page["files"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == links + dead
    failed = files(service, archive_hash, state="failed")["files"]
    assert [each["url"] for each in failed] == dead
    assert files(service, archive_hash, state="pending")["files"] == []


@pytest.mark.parametrize(
    "parameters", [{"state": "lost"}, {"cursor": "x"}, {"limit": "0"}, {"limit": "1001"}]
)
def test_a_parameter_that_cannot_be_used_is_422(
    service: Service, parameters: dict[str, str]
) -> None:
    answer = service.client.get(f"/api/archive/files/{NO_JOB}", params=parameters)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] in parameters


@pytest.mark.parametrize("archive_hash", [NO_JOB, "nonsense"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/archive/cancel/{}"),
        ("POST", "/api/archive/retry/{}"),
        ("DELETE", "/api/archive/{}"),
        ("GET", "/api/archive/files/{}"),
    ],
)
def test_an_unknown_hash_is_404_everywhere(
    service: Service, method: str, path: str, archive_hash: str
) -> None:
    answer = service.client.request(method, path.format(archive_hash))
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"
