"""A fleet whose parts die while it works: the small run of `make fleet`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.postgres_server import PostgresServer
from tests.fleet.blows import cut_off_while_the_bucket_restarts
from tests.fleet.rounds import Size, play

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Size(jobs=16, at_once=16, seconds=6.0)


@pytest.mark.long
@pytest.mark.timeout(400)  # five processes on a busy machine, and a lease that must run out
def test_every_job_is_right_when_a_worker_is_cut_off_and_the_bucket_goes_away(
    tmp_path: Path,
) -> None:
    with PostgresServer() as server:
        blows = {"both": cut_off_while_the_bucket_restarts}
        said = play(tmp_path / "round", server, size=SMALL, blows=blows)
    assert said.problems == []
    assert said.right == SMALL.jobs
    assert said.seconds["both"], "the worker that was cut off had nothing in its hands"
