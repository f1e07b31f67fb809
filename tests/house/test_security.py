"""The threat model is true: each test and attack that docs/security.md names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.house.tree import parse, read

PAGE = "docs/security.md"
NAMED = re.compile(r"\[(\w+)\]\((\.\./tests/[^)]+\.py)\)")
STATES = {"met", "partly", "gap", "operator", "not meant"}


def functions(path: Path) -> set[str]:
    """List the functions of a module."""
    return {each.name for each in ast.walk(parse(path)) if isinstance(each, ast.FunctionDef)}


def rows(section: str) -> list[list[str]]:
    """List the rows of a section's table, without its head, each a list of its cells."""
    text = read(PAGE).partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_each_test_that_is_named_exists() -> None:
    named = [(name, Path(path).relative_to("..")) for name, path in NAMED.findall(read(PAGE))]
    assert len(named) > 60
    assert [name for name, path in named if name not in functions(path)] == []


def test_each_promise_names_a_test_or_whose_part_it_is() -> None:
    model = rows("Threat model")
    assert len(model) > 15
    loose = [row for row in model if not NAMED.search(row[3]) and row[3] != "the operator"]
    assert loose == []


def test_each_point_of_a_standard_has_a_state() -> None:
    points = rows("OWASP ASVS 5.0, level 2") + rows("OpenSSF Scorecard")
    assert len(points) > 40
    assert [row for row in points if row[1] not in STATES or not row[2]] == []
