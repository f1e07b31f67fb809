"""What comes from outside is pinned, and CI brings what tests ask for."""

from __future__ import annotations

import ast
import copy
import os
import re
import subprocess

import pytest
from tests.house.tree import ROOT, files_under, parse, read
from tests.readers.table import READERS

LOCKS = [str(path) for path in files_under("requirements", "bench", suffixes=frozenset({".lock"}))]


def requirements(lock: str) -> list[str]:
    """Split a lock file into its requirements, each with its continuation lines."""
    logical = re.sub(r"\\\n[ \t]*", " ", read(lock))
    return [line for line in logical.splitlines() if line.strip() and not line.startswith("#")]


def marks(node: ast.AST, name: str) -> list[ast.AST]:
    """List where a mark of pytest's is written below a node."""
    wanted = f"pytest.mark.{name}"
    return [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and ast.unparse(each) == wanted
    ]


def needs(node: ast.AST) -> set[str]:
    """List the programs that `pytest.mark.needs` names below a node."""
    return {
        argument.value
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.needs"
        for argument in each.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


class WithoutLongVariants(ast.NodeTransformer):
    """Leaves out each `pytest.param` that is marked long."""

    def visit_Call(self, node: ast.Call) -> ast.AST:  # as `ast` calls it
        if ast.unparse(node.func) == "pytest.param" and marks(node, "long"):
            return ast.Constant(None)
        return self.generic_visit(node)


def needed_programs() -> tuple[set[str], set[str]]:
    """List the programs that tests ask for, and those that only long ones do.

    A statement at a module's top counts as one: a test with its marks, or `pytestmark`. A variant
    of it that is marked by itself counts by itself.
    """
    usual = {need for reader in READERS if not reader.slow for need in reader.needs}
    every = {need for reader in READERS for need in reader.needs}
    for path in files_under("tests", suffixes=frozenset({".py"})):
        body = parse(path).body
        all_long = any(
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "pytestmark"
            and marks(node, "long")
            for node in body
        )
        for node in body:
            every |= needs(node)
            rest = WithoutLongVariants().visit(copy.deepcopy(node))
            if not all_long and not marks(rest, "long"):
                usual |= needs(rest)
    return usual, every - usual


def programs_of_ci(table: str) -> set[str]:
    """List the programs of one of the tables of `.ci/run`."""
    found = re.search(rf"^{table}='\n(.*?)^'", read(".ci/run"), re.MULTILINE | re.DOTALL)
    assert found
    return {line.partition(":")[0] for line in found[1].splitlines()}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_has_one_version_and_its_hashes(lock: str) -> None:
    found = requirements(lock)
    assert found
    loose = [
        line.split()[0]
        for line in found
        if not re.match(r"[\w.\-\[\]]+==\S+", line) or "--hash=sha256:" not in line
    ]
    assert loose == []


def test_the_lock_of_the_extra_adds_to_that_of_the_program_and_changes_nothing() -> None:
    program, traced = (
        {line.split()[0] for line in requirements(f"requirements/{name}.lock")}
        for name in ("run", "otel")
    )
    assert program < traced
    assert any(each.startswith("opentelemetry-sdk==") for each in traced - program)


def test_ci_can_be_run() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=False).returncode == 0


def test_ci_installs_what_tests_need_and_no_more() -> None:
    usual, of_long_tests = needed_programs()
    assert programs_of_ci("PROGRAMS") == usual
    assert programs_of_ci("PROGRAMS_OF_LONG_TESTS") == of_long_tests
