"""A fresh job database for each test of the embedded engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.clock import FakeClock

from packmule.jobs import database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Engine]:
    engine = database.connect(f"sqlite:///{tmp_path / 'packmule.db'}")
    database.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
