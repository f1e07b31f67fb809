"""What comes from outside is pinned, and CI brings what tests ask for."""

from __future__ import annotations

import ast
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


def needed_programs() -> set[str]:
    """List the programs that tests ask for by `pytest.mark.needs`, and those of the readers."""
    return {need for reader in READERS for need in reader.needs} | {
        argument.value
        for path in files_under("tests", suffixes=frozenset({".py"}))
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.needs"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def programs_of_ci() -> set[str]:
    """List the programs that `.ci/run` installs."""
    table = re.search(r"^PROGRAMS='\n(.*?)^'", read(".ci/run"), re.MULTILINE | re.DOTALL)
    assert table
    return {line.partition(":")[0] for line in table[1].splitlines()}


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
    assert programs_of_ci() == needed_programs()
