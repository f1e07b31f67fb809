"""What clients are answered of changes to their jobs while the storage is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import no_defer, request

from packmule.errors import StorageAway
from packmule.jobs.model import JobState
from packmule.storage.local import LocalStorage

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
