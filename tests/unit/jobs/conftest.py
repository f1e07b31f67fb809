"""A fresh job database for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.databases import migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database file that is not there yet."""
    return tmp_path / "data" / "packmule.db"


@pytest.fixture
def db(path: Path) -> Iterator[Engine]:
    """Open a database with its tables."""
    engine = migrated(path)
    yield engine
    engine.dispose()
