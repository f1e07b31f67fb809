"""Every file says what it is for, and everything public says what it does."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

from tests.house.tree import files_under, parse, read

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = frozenset({".py"})
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

# Clipped ways to begin: "Return whether it is so", not "Tell whether it is so".
CLIPPED = {"Be", "Give", "Have", "Let", "Note", "Say", "Tell"}


def inherits_its_docstring(node: Definition) -> bool:
    """Return whether a definition overrides another, or is one spelling of an overloaded one."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"override", "overload"})


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """List a module's public classes and functions, and the methods of those classes."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def test_every_file_begins_with_a_docstring() -> None:
    assert [
        str(path)
        for path in files_under("src", "bench", suffixes=PYTHON)
        if parse(path).body and not ast.get_docstring(parse(path))
    ] == []


def test_every_file_compiles_without_a_warning() -> None:
    warned: dict[str, str] = {}
    for path in files_under("src", "tests", "bench", suffixes=PYTHON):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            compile(read(path), str(path), "exec")
        warned |= {f"{path}:{warning.lineno}": str(warning.message) for warning in caught}
    assert warned == {}


def test_no_source_file_is_empty() -> None:
    assert [str(path) for path in files_under("src", suffixes=PYTHON) if not parse(path).body] == []


def test_everything_public_has_a_docstring() -> None:
    definitions = [
        (f"{path}:{name}", node)
        for path in files_under("src", suffixes=PYTHON)
        for name, node in public(parse(path).body)
    ]
    assert definitions
    assert [
        name
        for name, node in definitions
        if not ast.get_docstring(node) and not inherits_its_docstring(node)
    ] == []


def test_docstrings_begin_with_a_plain_verb() -> None:
    clipped = [
        f"{path}:{name}"
        for path in files_under("src", "bench", suffixes=PYTHON)
        for name, node in public(parse(path).body)
        if (first := re.match(r"\w*", ast.get_docstring(node) or "")) and first[0] in CLIPPED
    ]
    assert clipped == [], "say Return, Record, Allow: what the thing does"
