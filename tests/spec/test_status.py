"""GET /api/archive/status: what is said of a job, at every point of its life."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.origin import Origin
from tests.spec.service import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.spec.service import Service

WEEK = timedelta(days=7)
NO_JOB = "0" * 32


@pytest.fixture
def unfinished(service: Service, origin: Origin) -> Iterator[str]:
    """Give a job that will not end while the test looks at it."""
    slow = origin.put("/status/slow", b"slow" * 50_000, held_from=20_000)
    archive_hash = service.create(origin.put("/status/quick", b"quick"), slow)
    yield archive_hash
    service.client.post(f"/api/archive/cancel/{archive_hash}")


def test_a_job_in_work_is_in_progress_and_says_how_far_it_is(
    service: Service, unfinished: str
) -> None:
    found = service.status(unfinished)
    assert set(found) == {"status", "progress", "retrying", "waiting", "finishing", "parts"}
    assert found["waiting"] is None
    assert found["retrying"] == []
    assert found["status"] == "in-progress"
    progress = found["progress"]
    assert set(progress) == {
        "files",
        "bytes",
        "bytes_per_second",
        "eta_seconds",
        "total_is_estimate",
    }
    assert set(progress["files"]) == {"total", "done", "failed"}
    assert set(progress["bytes"]) == {"done", "total"}
    assert progress["files"]["total"] == 2


def test_progress_grows_while_bytes_arrive(service: Service, unfinished: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        progress = service.status(unfinished)["progress"]
        if progress["files"]["done"] == 1 and progress["bytes"]["done"] > 5:
            break
        assert time.monotonic() < deadline, progress
        time.sleep(0.1)
    assert progress["bytes"]["total"] == 200_005
    assert progress["bytes"]["done"] < 200_005


def test_a_file_that_waits_for_its_next_attempt_is_told_with_its_time(service: Service) -> None:
    # An origin of its own: all files of a host that names a time wait until then.
    with Origin() as origin:
        busy = origin.put("/busy", b"busy", status=503, headers={"Retry-After": "600"})
        archive_hash = service.create({"url": busy, "name": "busy.bin"})
        until(lambda: service.status(archive_hash)["retrying"], "a file waits")
        [file] = service.status(archive_hash)["retrying"]
        next_attempt_at = file.pop("next_attempt_at")
        assert file == {
            "position": 0,
            "name": "busy.bin",
            "code": "http-status",
            "detail": "the origin answered 503",
            "attempts": 1,
        }
        left = datetime.fromisoformat(next_attempt_at) - datetime.now(UTC)
        assert timedelta(minutes=8) < left <= timedelta(minutes=10)
        files = service.client.get(f"/api/archive/files/{archive_hash}").json()["files"]
        assert files[0]["next_attempt_at"] == next_attempt_at
        assert files[0]["failure"]["code"] == "http-status"
        service.client.post(f"/api/archive/cancel/{archive_hash}")


def test_wait_holds_the_answer_until_the_seconds_are_over(
    service: Service, unfinished: str
) -> None:
    begun = time.monotonic()
    assert service.status(unfinished, wait=0.6)["status"] == "in-progress"
    assert time.monotonic() - begun >= 0.6


def test_wait_ends_when_the_status_changes(service: Service, origin: Origin) -> None:
    archive_hash = service.create(origin.put("/status/soon", b"soon", latency=0.5))
    assert service.status(archive_hash, wait=30)["status"] == "completed"


def test_a_completed_job_says_where_its_archive_is(service: Service, origin: Origin) -> None:
    archive_hash = service.completed(origin.put("/status/done.txt", b"done"))
    found = service.status(archive_hash)
    assert set(found) == {"status", "url", "size", "expires_at", "missing", "warnings", "parts"}
    assert found["status"] == "completed"
    assert found["url"] == f"http://localhost:{service.port}/archive/get/{archive_hash}.zip"
    assert found["size"] == len(service.download(archive_hash).content)
    assert found["missing"] == found["warnings"] == []


def test_times_are_utc_by_rfc_3339(service: Service, origin: Origin) -> None:
    archive_hash = service.completed(origin.put("/status/times.txt", b"times"))
    text = service.status(archive_hash)["expires_at"]
    assert text.endswith("Z")
    left = datetime.fromisoformat(text) - datetime.now(UTC)
    assert WEEK - timedelta(minutes=5) < left <= WEEK


def test_an_archive_expires_when_the_caller_wants_it(service: Service, origin: Origin) -> None:
    archive_hash = service.completed(origin.put("/status/hour.txt", b"x"), expires_in=3600)
    left = datetime.fromisoformat(service.status(archive_hash)["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < left <= timedelta(hours=1)


def test_an_archive_whose_time_is_over_is_expired_and_gone(
    service: Service, origin: Origin
) -> None:
    archive_hash = service.create(origin.put("/status/brief.txt", b"x"), expires_in=1)
    deadline = time.monotonic() + 30
    while (found := service.status(archive_hash)) != {"status": "expired"}:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    answer = service.download(archive_hash)
    assert answer.status_code == 410
    assert answer.json()["code"] == "gone"


def test_a_dead_link_fails_the_job_and_is_named(service: Service, origin: Origin) -> None:
    good = origin.put("/status/good.txt", b"good")
    dead = origin.url("/status/dead.txt?token=of-the-caller")
    found = service.outcome(service.create(good, {"url": dead, "name": "docs/dead.txt"}))
    assert found["status"] == "failed"
    assert found["error"]["code"] == "files-failed"
    assert found["error"]["detail"].startswith("1 of 2 files could not be fetched")
    [failure] = found["failures"]
    known = {"position", "url", "name", "code", "detail", "http_status", "attempts"}
    assert set(failure) == known
    # Its query may be a secret of the caller's, and anyone may have the hash.
    assert failure["url"] == origin.url("/status/dead.txt")
    assert failure["position"] == 1
    assert failure["name"] == "docs/dead.txt"
    assert failure["code"] == "http-status"
    assert failure["http_status"] == 404
    assert failure["attempts"] >= 1


def test_every_dead_link_is_named_at_once(service: Service, origin: Origin) -> None:
    links = [origin.url(f"/status/dead/{number}") for number in range(5)]
    links.insert(2, origin.put("/status/alive", b"alive"))
    found = service.outcome(service.create(*links))
    assert [each["url"] for each in found["failures"]] == [*links[:2], *links[3:]]


def test_a_port_on_which_nothing_listens_is_named(service: Service, origin: Origin) -> None:
    # A port of the origin's own host that was free a moment ago.
    nobody = f"http://{origin.host}:{origin.port - 1}/x"
    found = service.outcome(service.create(nobody))
    assert found["status"] == "failed"
    assert found["failures"][0]["code"] in {"connect", "http-status", "bad-response"}


def test_with_skip_the_archive_is_made_without_the_dead_link(
    service: Service, origin: Origin
) -> None:
    good, dead = origin.put("/status/kept.txt", b"kept"), origin.url("/status/left-out.txt")
    archive_hash = service.completed(dead, good, on_error="skip")
    [missing] = service.status(archive_hash)["missing"]
    assert missing["url"] == dead
    assert missing["code"] == "http-status"
    members = service.members(archive_hash)
    assert members["kept.txt"] == b"kept"
    assert list(members) == ["kept.txt", "_missing.txt"]


def test_with_skip_a_job_of_dead_links_only_fails(service: Service, origin: Origin) -> None:
    archive_hash = service.create(origin.url("/status/none"), on_error="skip")
    assert service.outcome(archive_hash)["status"] == "failed"


def test_a_status_is_never_kept_by_a_cache(service: Service, unfinished: str) -> None:
    answer = service.client.get(f"/api/archive/status/{unfinished}")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "archive_hash", [NO_JOB, "x", "A" * 32, "0" * 31, "0" * 33, "%00", "..%2f.."]
)
def test_an_unknown_or_malformed_hash_is_404(service: Service, archive_hash: str) -> None:
    answer = service.client.get(f"/api/archive/status/{archive_hash}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not-found"


@pytest.mark.parametrize("wait", ["-1", "soon", "nan", "inf"])
def test_a_wait_that_is_none_is_422(service: Service, wait: Any) -> None:
    answer = service.client.get(f"/api/archive/status/{NO_JOB}", params={"wait": wait})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "wait"
