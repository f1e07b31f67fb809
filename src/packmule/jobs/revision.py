"""Whether a database file is up to date already, found out without SQLAlchemy and Alembic.

Importing these takes most of the time of a start that has nothing to upgrade. Owns only the answer
that is certain: whatever else a database may be is left to `upgrading.py`.
"""

from __future__ import annotations

import pkgutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from packmule.jobs.migrations import versions

_PREFIX = "sqlite:///"
# What has a meaning of its own in a URL.
_SPECIAL = frozenset("%?#")


def is_up_to_date(database_url: str) -> bool:
    """Return whether the URL is that of a SQLite file with exactly this program's revision.

    False also where that cannot be told.
    """
    path = Path(database_url.removeprefix(_PREFIX))
    if not database_url.startswith(_PREFIX) or _SPECIAL & set(database_url) or not path.is_file():
        return False
    with suppress(sqlite3.DatabaseError), closing(_open(path)) as database:
        database.execute("BEGIN IMMEDIATE")  # one that cannot be written is not for us to tell
        found = database.execute("SELECT version_num FROM alembic_version").fetchall()
        database.execute("ROLLBACK")
        return found == [(newest_revision(),)]
    return False


def _open(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)


def newest_revision() -> str:
    """Return the revision of this program: the number in the name of its last migration."""
    last = max(module.name for module in pkgutil.iter_modules(versions.__path__))
    return last.partition("_")[0].removeprefix("r")
