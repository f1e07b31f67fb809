"""A fresh job database on SQLite for each test, migrated once for each process.

To run all migrations costs as much as most tests do; a copy of what they have made costs nothing.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.jobs import database
from packmule.jobs.upgrading import upgrade

if TYPE_CHECKING:
    from sqlalchemy import Engine


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="packmule-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "packmule.db"
    engine = database.connect(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()  # all is in the one file from here on
    assert [each.name for each in folder.iterdir()] == [path.name]
    return path


def migrated(path: Path) -> Engine:
    """Open a new database at `path`, with its tables and nothing in them."""
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(_migrated(), path)
    return database.connect(f"sqlite:///{path}")
