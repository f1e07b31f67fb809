"""A worker that dies, and a database that does: the small run of `make failover`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.failover.run import frozen
from tests.fakes.postgres_server import PostgresServer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(400)
def test_a_frozen_workers_jobs_go_to_another_within_half_a_minute(tmp_path: Path) -> None:
    with PostgresServer() as server:
        assert frozen(tmp_path / "round", server).problems == []
