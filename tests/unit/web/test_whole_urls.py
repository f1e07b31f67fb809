"""Who sees a failed link whole: the client whose key made the job, and nobody by the hash alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.fakes.jobs import FAILURE
from tests.unit.web.following import Reader

from packmule.errors import Failure, FailureCode
from packmule.jobs.model import Checkpoint, FailedEntry, Progress
from packmule.web.api_keys import Keyring, parse_keys
from packmule.web.services import Access

if TYPE_CHECKING:
    from tests.unit.web.conftest import App

SIGNED = "https://bucket.example/a.zip?X-Amz-Signature=secret"
SHOWN = "https://bucket.example/a.zip"
ANN, BOB = {"Authorization": "Bearer anns-key"}, {"Authorization": "Bearer bobs-key"}


def failed_job(app: App, headers: dict[str, str]) -> str:
    """Make a job over the API that fails for its only link; give its hash."""
    body = {"urls": [SIGNED]}
    made = app.ask("POST", "/api/archive/create", json=body, headers=headers)
    archive_hash: str = made.json()["archive_hash"]
    store = app.services.store
    run = store.begin(archive_hash)
    assert run is not None
    dead = FailedEntry(0, "a.zip", Failure(FailureCode.DNS, "no such host", attempts=1))
    store.fail(run.fence, FAILURE, Checkpoint(0, Progress(1, 0, 1), failed=(dead,)))
    return archive_hash


def with_keys(app: App) -> None:
    app.change(access=Access(keys=Keyring(parse_keys("ann:anns-key,bob:bobs-key"))))


def failure(app: App, archive_hash: str, headers: Any) -> dict[str, Any]:
    answer = app.ask("GET", f"/api/archive/status/{archive_hash}", headers=headers)
    [found] = answer.json()["failures"]
    assert isinstance(found, dict)
    return found


def told(app: App, archive_hash: str, key: str | None, query: str = "") -> str:
    reader = Reader(app, archive_hash, key=key, query=query)
    asyncio.run(reader.read())
    return "".join(reader.pieces)


def test_the_owners_key_opens_whole_links_in_a_status(app: App) -> None:
    with_keys(app)
    archive_hash = failed_job(app, ANN)
    assert failure(app, archive_hash, ANN)["url"] == SIGNED
    two = [*ANN.items(), *BOB.items()]
    for other in ({}, BOB, {"Authorization": "Bearer unknown"}, {"Authorization": "Basic x"}, two):
        found = failure(app, archive_hash, other)
        assert (found["url"], found["position"]) == (SHOWN, 0), other


def test_the_owners_key_opens_whole_links_in_events_and_files(app: App) -> None:
    with_keys(app)
    archive_hash = failed_job(app, ANN)
    assert SIGNED in told(app, archive_hash, "anns-key")
    assert SHOWN in told(app, archive_hash, None)
    assert "secret" not in told(app, archive_hash, None)
    assert "secret" not in told(app, archive_hash, "bobs-key")
    assert told(app, archive_hash, "anns-key", "files=true").count(SIGNED) == 2
    [file] = app.ask("GET", f"/api/archive/files/{archive_hash}", headers=ANN).json()["files"]
    assert file["url"] == SIGNED


def test_without_keys_everybody_has_only_the_hash(app: App) -> None:
    archive_hash = failed_job(app, {})
    assert failure(app, archive_hash, ANN)["url"] == SHOWN
    [file] = app.ask("GET", f"/api/archive/files/{archive_hash}").json()["files"]
    assert file["url"] == SHOWN
    assert "secret" not in told(app, archive_hash, None, "files=true")


def test_a_job_made_without_a_key_is_nobodys(app: App) -> None:
    archive_hash = failed_job(app, {})
    with_keys(app)
    assert failure(app, archive_hash, ANN)["url"] == SHOWN
    [file] = app.ask("GET", f"/api/archive/files/{archive_hash}", headers=ANN).json()["files"]
    assert file["url"] == SHOWN
