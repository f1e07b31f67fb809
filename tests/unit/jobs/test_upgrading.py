"""How the tables are brought up to date, and which are refused."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.fakes.jobs import no_defer, request

from packmule.errors import StorageFailed, UsageError
from packmule.jobs import database
from packmule.jobs.schema import metadata
from packmule.jobs.store import JobStore
from packmule.jobs.upgrading import require_current, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

UPGRADE = """
import sys
from packmule.jobs import database
from packmule.jobs.upgrading import upgrade
sys.stdin.readline()
upgrade(database.connect(sys.argv[1]))
"""


def schema_version(db: Engine) -> object:
    with database.reading(db) as connection:
        return connection.exec_driver_sql("PRAGMA schema_version").scalar_one()


def test_an_upgrade_of_an_up_to_date_database_changes_nothing(db: Engine) -> None:
    store = JobStore(db)
    hash_ = store.create(request(), defer=no_defer)
    before = schema_version(db)
    upgrade(db)
    assert schema_version(db) == before
    assert store.get(hash_).hash == hash_


def test_processes_that_start_at_once_upgrade_once(path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, f"sqlite:///{path}"], stdin=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        with process:
            assert process.wait(50) == 0
    engine = database.connect(f"sqlite:///{path}")
    with database.reading(engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() != []
    engine.dispose()


def test_tables_newer_than_the_program_are_refused_naming_both(db: Engine) -> None:
    with database.writing(db) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UsageError, match=r"9999.*knows revisions up to \d{4}.*backup"):
        upgrade(db)


def seen(db: Engine, revision: str, needs: str | None) -> None:
    """Have a newer program upgrade the database to a revision that is not known here."""
    with database.writing(db) as connection:
        connection.execute(
            text("INSERT INTO schema_revisions VALUES (:revision, :needs)"),
            {"revision": revision, "needs": needs},
        )
        connection.execute(
            text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )


def test_tables_to_which_a_newer_program_has_only_added_are_used_as_they_are(db: Engine) -> None:
    seen(db, "9998", None)
    seen(db, "9999", "0018")
    before = schema_version(db)
    upgrade(db)
    require_current(db)
    assert schema_version(db) == before
    store = JobStore(db)
    assert store.begin(store.create(request(), defer=no_defer)) is not None


@pytest.mark.parametrize("check", [upgrade, require_current])
def test_tables_from_which_something_is_gone_that_this_program_needs_are_refused(
    db: Engine, check: Callable[[Engine], None]
) -> None:
    seen(db, "9998", "9998")
    seen(db, "9999", None)
    with pytest.raises(UsageError, match="newer than this program"):
        check(db)


def test_another_programs_tables_are_refused(path: Path) -> None:
    engine = database.connect(f"sqlite:///{path}")
    with database.writing(engine) as connection:
        connection.execute(text("CREATE TABLE jobs (id INTEGER PRIMARY KEY)"))
    with pytest.raises(UsageError, match="not Packmule's"):
        upgrade(engine)
    engine.dispose()


def test_an_upgrade_that_fails_leaves_the_tables_as_they_were(path: Path) -> None:
    engine = database.connect(f"sqlite:///{path}")
    with database.writing(engine) as connection:
        # The last step of the first revision stumbles over this one.
        connection.execute(text("CREATE TABLE tasks (id INTEGER PRIMARY KEY)"))
    with pytest.raises(StorageFailed):
        upgrade(engine)
    with database.reading(engine) as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type='table'"))
        assert set(tables.scalars()) & set(metadata.tables) == {"tasks"}
    engine.dispose()
