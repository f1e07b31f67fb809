"""An origin whose bodies are known, and a data directory whose workers are killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.kills.origin import Origin
from tests.kills.workers import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Give an origin of the test's own."""
    with Origin() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a data directory of the test's own."""
    with Site(tmp_path) as made:
        yield made
