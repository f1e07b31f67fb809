"""The application, where its services fail or are not as usual."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from tests.fakes.jobs import FAILURE, no_defer, request

from packmule.errors import (
    DiskFull,
    Failure,
    FailureCode,
    PackmuleError,
    StaleAttempt,
    StorageFailed,
)
from packmule.jobs.model import Checkpoint, FailedEntry, Progress
from packmule.jobs.store import JobStore
from packmule.storage.local import LocalStorage

if TYPE_CHECKING:
    import httpx
    from tests.unit.web.conftest import App

LINK = "https://example.com/a"
NO_JOB = "0" * 32


class Failing(JobStore):
    """A store that answers each question with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get(self, _hash: str) -> NoReturn:
        raise self._error

    def find_version(self, _hash: str) -> NoReturn:
        raise self._error

    def check(self) -> NoReturn:
        raise self._error

    def create(self, *_: object, **__: object) -> NoReturn:
        raise self._error


class Unwritable(LocalStorage):
    """A storage that cannot be written."""

    def check(self) -> None:
        raise StorageFailed("The data directory cannot be written.")


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    return document


def test_a_fault_nobody_foresaw_is_500_and_shows_nothing_of_the_inside(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.change(store=Failing(RuntimeError("the password is hunter2")))
    with caplog.at_level(logging.ERROR):
        answer = app.ask("GET", f"/api/archive/status/{NO_JOB}?token=hunter2")
    assert answer.status_code == 500
    assert problem(answer)["code"] == "internal"
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    [record] = caplog.records
    assert record.exc_info is not None
    assert "hunter2" not in record.getMessage()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StorageFailed("The job database cannot be used."), 503, "storage"),
        (DiskFull("The disk is full."), 507, "disk-full"),
        (StaleAttempt("internal matters"), 500, "internal"),
    ],
)
def test_our_own_errors_have_their_status(
    app: App, error: PackmuleError, status: int, code: str
) -> None:
    app.change(store=Failing(error))
    for answer in (
        app.ask("GET", f"/api/archive/status/{NO_JOB}"),
        app.ask("POST", "/api/archive/create", json={"urls": [LINK]}),
        app.ask("GET", f"/archive/get/{NO_JOB}.zip"),
    ):
        assert answer.status_code == status
        assert problem(answer)["code"] == code
        assert "matters" not in answer.text


def test_a_job_is_queued_with_its_priority(app: App) -> None:
    answer = app.ask("POST", "/api/archive/create", json={"urls": [LINK], "priority": 7})
    assert app.queued == [(answer.json()["archive_hash"], 7)]


def test_the_same_key_queues_one_task(app: App) -> None:
    for _ in range(2):
        app.ask(
            "POST",
            "/api/archive/create",
            json={"urls": [LINK]},
            headers={"Idempotency-Key": "one"},
        )
    assert len(app.queued) == 1


def test_links_begin_with_the_public_url(app: App) -> None:
    hash_ = app.completed(b"archive")
    found = app.ask("GET", f"/api/archive/status/{hash_}").json()
    assert found["url"] == f"https://public.example/pack/archive/get/{hash_}.zip"


def test_an_archive_that_storage_has_lost_is_gone(app: App) -> None:
    hash_ = app.completed(b"archive")
    assert app.ask("GET", f"/archive/get/{hash_}.zip").content == b"archive"
    app.services.storage.remove(hash_)
    answer = app.ask("GET", f"/archive/get/{hash_}.zip")
    assert answer.status_code == 410
    assert problem(answer)["code"] == "gone"


def test_a_status_names_a_thousand_failures_and_the_list_has_all(app: App) -> None:
    store = app.services.store
    run = store.begin(store.create(request(1_100), defer=no_defer))
    assert run is not None
    dead = tuple(
        FailedEntry(n, f"{n}", Failure(FailureCode.DNS, "no such host", attempts=1))
        for n in range(1_100)
    )
    store.fail(run.fence, FAILURE, Checkpoint(0, Progress(1_100, 0, 1_100), failed=dead))
    found = app.ask("GET", f"/api/archive/status/{run.job.hash}").json()
    assert len(found["failures"]) == 1_000
    page = app.ask("GET", f"/api/archive/files/{run.job.hash}?state=failed&cursor=999").json()
    assert [each["position"] for each in page["files"]] == list(range(1_000, 1_100))


def test_nobody_is_kept_waiting_by_a_process_that_is_to_end(app: App) -> None:
    hash_ = app.services.store.create(request(), defer=no_defer)
    app.change(draining=lambda: True)
    begun = time.monotonic()
    assert app.ask("GET", f"/api/archive/status/{hash_}?wait=60").status_code == 200
    assert time.monotonic() - begun < 30


def ready(app: App) -> dict[str, Any]:
    answer = app.ask("GET", "/readyz")
    assert answer.status_code == 503
    document = problem(answer)
    assert document["code"] == "not-ready"
    checks: dict[str, Any] = document["checks"]
    return checks


def test_all_is_ready(app: App) -> None:
    assert app.ask("GET", "/readyz").status_code == 200


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (None, "no worker has been seen yet"),
        (61.0, "the last sign of a worker is 61 seconds old"),
        (1.0, "ok"),
    ],
)
def test_a_worker_that_is_away_is_reported_and_the_api_is_ready(
    app: App, age: float | None, said: str
) -> None:
    app.change(worker_age=lambda: age)
    answer = app.ask("GET", "/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["worker"] == said


def test_not_ready_when_the_database_or_storage_fails(app: App, tmp_path: Any) -> None:
    app.change(
        store=Failing(StorageFailed("The job database cannot be used.")),
        storage=Unwritable(tmp_path),
    )
    checks = ready(app)
    assert checks["database"] == "The job database cannot be used."
    assert checks["storage"] == "The data directory cannot be written."
    assert checks["worker"] == "ok"


def test_the_process_is_alive_whatever_is_not_ready(app: App) -> None:
    app.change(store=Failing(StorageFailed("gone")), worker_age=lambda: None)
    assert app.ask("GET", "/healthz").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
        ({"Sec-Fetch-Site": "none"}, 202),
        ({"Origin": "http://test"}, 202),
        ({"Origin": "https://public.example"}, 202),
        ({"Origin": "https://PUBLIC.example"}, 202),
        # A proxy may put another Host; the browser's own word on the site goes first.
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"}, 202),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://test"}, 403),
        ({"Origin": "https://public.example.evil.example"}, 403),
        ({"Origin": "http://test:81"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
    ids=str,
)
def test_a_browser_may_send_only_what_our_own_page_sends(
    app: App, headers: dict[str, str], status: int
) -> None:
    answer = app.ask("POST", "/api/archive/create", json={"urls": [LINK]}, headers=headers)
    assert answer.status_code == status
    assert len(app.queued) == (status == 202)


def test_anybody_may_read_with_a_browser(app: App) -> None:
    assert app.ask("GET", "/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", W/{}', "*"])
def test_a_page_that_the_browser_has_is_not_sent_again(app: App, known: str) -> None:
    etag = app.ask("GET", "/").headers["etag"]
    answer = app.ask("GET", "/", headers={"If-None-Match": known.format(etag)})
    assert (answer.status_code, answer.headers["etag"], answer.content) == (304, etag, b"")


@pytest.mark.parametrize(
    "origin", ["http://[", "http://]", "http://a\u2100b", "null", "http://[v1.x]"]
)
def test_an_origin_that_cannot_be_read_is_foreign(app: App, origin: str) -> None:
    headers = [(b"Origin", origin.encode())]
    answer = app.ask("POST", "/api/archive/create", json={"urls": [LINK]}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-origin")
