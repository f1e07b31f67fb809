"""A job database that is set back to an earlier moment under programs that are at work on it.

As an operator's restore does it, or a standby that has not heard of the last commits: whoever was
connected is cut off, and finds the earlier rows when it connects again. Numbers are given anew.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from tests.fakes.postgres import cut_connections

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Backup:
    """A copy of a database as it is now."""

    def __init__(self, db: Engine) -> None:
        self._db = db
        db.dispose()
        if db.dialect.name == "sqlite":
            self._path = Path(str(db.url.database))
            self._copy = self._path.with_name(f"{self._path.name}-backup")
            shutil.copyfile(self._path, self._copy)
        else:
            self._name = f"packmule_test_{secrets.token_hex(6)}"
            with db.connect() as connection:
                path = connection.exec_driver_sql("SHOW search_path").scalar_one()
            db.dispose()
            self._run(
                f'CREATE DATABASE "{self._name}" TEMPLATE "{db.url.database}"',
                f'ALTER DATABASE "{self._name}" SET search_path = {path}',
            )

    def restore(self) -> None:
        """Put the copy in the place of the database; once."""
        self._db.dispose()
        if self._db.dialect.name == "sqlite":
            for end in ("-wal", "-shm"):
                self._path.with_name(f"{self._path.name}{end}").unlink(missing_ok=True)
            self._copy.replace(self._path)
        else:
            name = self._db.url.database
            self._run(
                f'ALTER DATABASE "{name}" RENAME TO "{self._name}_lost"',
                f'ALTER DATABASE "{self._name}" RENAME TO "{name}"',
            )

    def _run(self, *statements: str) -> None:
        url = self._db.url.set(drivername="postgresql")
        cut_connections(url.render_as_string(hide_password=False))
        elsewhere = url.set(database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
