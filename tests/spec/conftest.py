"""The running program and an origin to fetch from, once for each process of the test run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.origin import Origin
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give the running program; tests leave it running and do not count on being alone."""
    # Two tries: what a dead origin's pauses are is no promise of the API.
    with Service(tmp_path_factory.mktemp("service"), ATTEMPTS="2") as running:
        yield running.start()


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    """Give an origin; a test uses paths of its own."""
    with Origin() as running:
        yield running
