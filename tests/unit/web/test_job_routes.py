"""What clients are answered about their jobs: the storage is away, too many wait, no such hash."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import no_defer, request

from packmule.errors import StorageAway
from packmule.jobs.model import JobState
from packmule.storage.local import LocalStorage
from packmule.web.client_shares import share_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.web.conftest import App


class AwayStorage(LocalStorage):
    """Storage that cannot be reached when something is to be removed."""

    def discard(self, key: str) -> None:
        """Refuse."""
        raise StorageAway(f"{key} cannot be reached.")

    def remove(self, key: str) -> None:
        """Refuse."""
        raise StorageAway(f"{key} cannot be reached.")


@pytest.mark.parametrize(
    ("asked", "status", "state"),
    [
        ("POST /api/archive/cancel/{}", 200, JobState.CANCELLED),
        ("DELETE /api/archive/{}", 204, JobState.EXPIRED),
    ],
)
def test_a_change_that_is_made_succeeds_although_the_storage_is_away(
    app: App, tmp_path: Path, asked: str, status: int, state: JobState
) -> None:
    app.change(storage=AwayStorage(tmp_path))
    hash_ = app.services.store.create(request(), defer=no_defer)
    method, path = asked.format(hash_).split()
    assert app.ask(method, path).status_code == status
    assert app.services.store.get(hash_).state is state


def test_a_client_has_its_share_of_the_long_polls(app: App) -> None:
    hash_ = app.services.store.create(request(), defer=no_defer)
    app.services.store.cancel(hash_)
    path = f"/api/archive/status/{hash_}"
    with ExitStack() as polls:
        for _ in range(share_of(app.services.bounds.long_polls)):
            polls.enter_context(app.services.poll_shares.one("address:192.0.2.1"))
        answer = app.ask("GET", f"{path}?wait=1", peer="192.0.2.1")
        assert (answer.status_code, answer.json()["code"]) == (429, "concurrency-limited")
        assert app.ask("GET", path, peer="192.0.2.1").status_code == 200
        assert app.ask("GET", f"{path}?wait=1", peer="192.0.2.2").status_code == 200
    assert app.ask("GET", f"{path}?wait=1", peer="192.0.2.1").status_code == 200


@pytest.mark.parametrize("hash_", ["x", "A" * 32, "0" * 31, "%00", "0" * 32 + "%0a", "%3Cb%3E"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/archive/status/HASH?wait=bad"),
        ("GET", "/api/archive/files/HASH?limit=0"),
        ("GET", "/api/archive/events/HASH?files=bad"),
        ("POST", "/api/archive/retry/HASH"),
        ("POST", "/api/archive/cancel/HASH"),
        ("DELETE", "/api/archive/HASH"),
        ("GET", "/archive/get/HASH.zip"),
        ("GET", "/archives/HASH"),
        ("POST", "/archives/HASH/cancel"),
    ],
)
def test_a_malformed_hash_is_404_and_not_repeated(
    app: App, method: str, path: str, hash_: str
) -> None:
    answer = app.ask(method, path.replace("HASH", hash_))
    assert answer.status_code == 404
    assert "There is no archive of that hash." in answer.text
    assert answer.text == app.ask(method, path.replace("HASH", "malformed")).text
