"""A migration only adds, or says which programs it breaks: an upgrade is rolled out beside them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Column

from packmule.jobs import migrations

STEPS = sorted(path.stem for path in (Path(migrations.__path__[0]) / "versions").glob("r*.py"))
ADDS = {"create_table", "add_column", "create_index", "drop_index"}


class Recorder:
    """Notes what a migration does instead of doing it."""

    def __init__(self) -> None:
        self.done: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: self.done.append((name, given, named))


def breaks(step: ModuleType) -> list[str]:
    """List what a program of the version before could not work with."""
    op = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "op", op)
        step.upgrade()
    made = {given[0] for name, given, _ in op.done if name == "create_table"}
    found = []
    for name, given, named in op.done:
        if name == "execute":
            is_update = str(given[0]).lstrip().startswith("UPDATE ")
            found += [] if is_update else [f"runs {given[0]}"]
        elif name not in ADDS:
            found.append(f"calls {name}")
        elif name == "add_column":
            column = given[1]
            assert isinstance(column, Column)
            if not column.nullable and column.server_default is None:
                found.append(f"adds {column.name}, which programs that do not know it leave out")
        elif name == "create_index" and named.get("unique") and given[1] not in made:
            found.append(f"makes {given[0]} unique")
    return found


@pytest.mark.parametrize("name", STEPS)
def test_a_migration_only_adds_or_names_the_revision_that_a_program_must_know(name: str) -> None:
    step = import_module(f"packmule.jobs.migrations.versions.{name}")
    needs = getattr(step, "needs", None)
    if needs is None:
        assert breaks(step) == []
    else:
        assert breaks(step) != [], "it breaks no program"
        # What a program no longer uses is removed by a later version than the one that stopped.
        assert needs < step.revision or name == "r0012_warnings", "the version before is broken"


def test_a_migration_that_removes_or_demands_something_is_found_out() -> None:
    class Step(ModuleType):
        op: Any = None

        def upgrade(self) -> None:
            self.op.add_column("jobs", Column("a", nullable=False))
            self.op.drop_column("jobs", "b")
            self.op.alter_column("jobs", "c", nullable=False)
            self.op.create_index("once", "jobs", ["d"], unique=True)
            self.op.execute("DELETE FROM jobs")
            self.op.execute("UPDATE jobs SET e = 1")

    assert len(breaks(Step("step"))) == 5


def test_the_revisions_are_one_chain_in_the_order_of_their_names() -> None:
    """Two changes that are landed at once may both have added the next one."""
    steps = [import_module(f"packmule.jobs.migrations.versions.{name}") for name in STEPS]
    revisions = [step.revision for step in steps]
    assert [step.down_revision for step in steps] == [None, *revisions[:-1]]
    assert [name[1:5] for name in STEPS] == revisions
