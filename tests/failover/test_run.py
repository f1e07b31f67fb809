"""A worker that dies, and a database that does: the small run of `make failover`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.failover.previous import has_history
from tests.failover.run import Played, frozen, poisoned, restored, upgraded
from tests.fakes.postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Way = Callable[[Path, PostgresServer], Played]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", [restored, poisoned])
def test_jobs_are_right_whatever_happens_to_a_fleet(way: Way, tmp_path: Path) -> None:
    with PostgresServer() as server:
        assert way(tmp_path / "round", server).problems == []


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not has_history(), reason="the version before is in no shallow clone")
def test_the_version_before_works_beside_this_one_and_after_it(tmp_path: Path) -> None:
    with PostgresServer() as server:
        assert upgraded(tmp_path / "round", server).problems == []


@pytest.mark.timeout(400)
def test_a_frozen_workers_jobs_go_to_another_within_half_a_minute(tmp_path: Path) -> None:
    with PostgresServer() as server:
        assert frozen(tmp_path / "round", server).problems == []
