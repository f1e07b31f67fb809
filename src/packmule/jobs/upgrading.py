"""Bringing the job database's tables to this program's version.

Owns running the migrations in `migrations/`, and refusing tables that are newer or not ours. Only
what upgrades or compares versions imports this: Alembic takes a quarter of a second to import.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, insert, inspect, select

from packmule.errors import UsageError
from packmule.jobs.database import reading, writing
from packmule.jobs.schema import schema_revisions

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

# Any constant does, as long as no other program takes the same advisory lock in this database.
UPGRADE_LOCK = 0x7061636B6D756C65
_upgrading = threading.Lock()

_log = logging.getLogger(__name__)


def upgrade(
    engine: Engine, *, in_same_transaction: Callable[[Connection], None] | None = None
) -> None:
    """Bring the database's tables to this program's version, in one transaction.

    `in_same_transaction` runs in it, for tables that others own. Safe when several processes start
    at once: the second waits, then finds nothing to do. Tables of a newer program stay as they are
    where this one can work with them. Raises UsageError where it cannot, or where they are another
    program's.
    """
    settings = _alembic()
    # Alembic keeps its context in its module: one upgrade at a time in a process.
    with _upgrading, writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(UPGRADE_LOCK)))
        scripts = ScriptDirectory.from_config(settings)
        if _is_newer(connection, scripts):
            _log.info("job database is newer than this program, and is used as it is")
        else:
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
            _note_revisions(connection, scripts)
        if in_same_transaction is not None:
            in_same_transaction(connection)


def require_current(engine: Engine) -> None:
    """Raise UsageError where this program cannot work with the tables as they are."""
    scripts = ScriptDirectory.from_config(_alembic())
    with reading(engine) as connection:
        is_newer = _is_newer(connection, scripts)
        found = MigrationContext.configure(connection).get_current_heads()
    if not is_newer and set(found) != {scripts.get_current_head()}:
        raise UsageError(
            "The job database is older than this program: start the service with this version "
            "first, which brings it up to date, or use the version that runs."
        )


def _alembic() -> Config:
    """Configure Alembic without a file; its own messages go to the log only."""
    settings = Config()
    settings.set_main_option("script_location", "packmule.jobs:migrations")
    settings.set_main_option("path_separator", "os")
    return settings


def _is_newer(connection: Connection, scripts: ScriptDirectory) -> bool:
    """Return whether a newer program has upgraded the tables, and this one can work with them.

    Raises UsageError where it cannot, and where the tables are another program's.
    """
    known = {script.revision for script in scripts.walk_revisions()}
    found = MigrationContext.configure(connection).get_current_heads()
    newer = sorted(set(found) - known)
    if newer:
        noted = _noted(connection)
        needed = {noted.get(revision) for revision in noted.keys() - known} - {None}
        if set(newer) <= noted.keys() and needed <= known:
            return True
        raise UsageError(
            f"The job database is of revision {', '.join(newer)}, newer than this program, which "
            f"knows revisions up to {scripts.get_current_head()}. Start the newer Packmule again, "
            "or restore the backup made before its upgrade."
        )
    if not found and inspect(connection).has_table("jobs"):
        raise UsageError(
            "The database holds a table `jobs` that is not Packmule's; give Packmule a database "
            "of its own."
        )
    return False


def _noted(connection: Connection) -> dict[str, str | None]:
    """Read the revisions that a database has seen, and what each needs."""
    if not inspect(connection).has_table(schema_revisions.name):
        return {}
    return {row.revision: row.needs for row in connection.execute(select(schema_revisions))}


def _note_revisions(connection: Connection, scripts: ScriptDirectory) -> None:
    """Write what this program knows of each revision, for those that know less."""
    noted = _noted(connection)
    new = [
        {"revision": script.revision, "needs": getattr(script.module, "needs", None)}
        for script in scripts.walk_revisions()
        if script.revision not in noted
    ]
    if new:
        connection.execute(insert(schema_revisions), new)
