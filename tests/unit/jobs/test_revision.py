"""A database that is up to date is known without what would upgrade it, and no other is."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from sqlite3 import connect
from typing import TYPE_CHECKING

import pytest
from tests.fakes.databases import migrated

from packmule.jobs.revision import is_up_to_date

if TYPE_CHECKING:
    from pathlib import Path

LIGHT = """
import sys
import packmule.wiring.migrating
from packmule.jobs.revision import is_up_to_date
assert is_up_to_date(sys.argv[1])
print([each for each in ("sqlalchemy", "alembic") if each in sys.modules])
"""


@pytest.fixture
def current(path: Path) -> Path:
    """Make a database of this program's revision."""
    migrated(path).dispose()
    return path


def change(path: Path, statement: str) -> None:
    with closing(connect(path)) as database, database:
        database.execute(statement)


def test_a_database_of_this_programs_revision_is_known_by_little(current: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT, f"sqlite:///{current}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alembic_version SET version_num = '0022'",
        "UPDATE alembic_version SET version_num = '9999'",
        "INSERT INTO alembic_version VALUES ('0022')",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
    ],
)
def test_a_database_of_another_revision_is_not(current: Path, statement: str) -> None:
    change(current, statement)
    assert not is_up_to_date(f"sqlite:///{current}")


def test_nor_is_what_cannot_be_written_read_or_found(current: Path) -> None:
    url = f"sqlite:///{current}"
    with closing(connect(current, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not is_up_to_date(url)
    assert is_up_to_date(url)
    current.write_bytes(b"no database" * 100)
    assert not is_up_to_date(url)
    assert not is_up_to_date("postgresql://host/name")
    assert not is_up_to_date(f"sqlite:///{current.parent / 'none.db'}")
    assert not (current.parent / "none.db").exists()
