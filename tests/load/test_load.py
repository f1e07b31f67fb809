"""Under load nothing is lost, and nothing is done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.load import dripping, many
from tests.load.origin import Origin
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Give an origin of the test's own."""
    with Origin() as running:
        yield running


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Give a running program of the test's own."""
    with Service(tmp_path) as running:
        yield running.start()


def test_no_job_is_lost_or_done_twice(service: Service, origin: Origin) -> None:
    said = many.play(60, service, origin, seconds=45.0)
    assert (said.right, said.doubled, said.problems) == (60, 0, [])


def test_good_jobs_end_beside_sources_that_drip(service: Service, origin: Origin) -> None:
    said = dripping.play(service, origin, sources=80, jobs=4, good=6)
    assert said.dripping > 32
    assert len(said.beside) == 6
