"""The imports within the package, read from its source and never run.

Owns which module imports which, and which modules form cycles. Every import counts: those for type
checkers only and those inside functions as well, because a cycle that is hidden from the
interpreter still means that neither module can be understood without the other.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.house.tree import files_under, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCES = Path("src")
PACKAGE = "packmule"

Graph = dict[str, set[str]]


@cache
def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name; a package stands for its head."""
    return {
        _dotted(path): path
        for path in files_under("src", suffixes=frozenset({".py"}))
        if path.is_relative_to(SOURCES / PACKAGE)
    }


def _dotted(path: Path) -> str:
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def graph() -> Graph:
    """Return which modules each module of the package imports."""
    known = {name: path.name == "__init__.py" for name, path in modules().items()}
    return {name: set(imported(parse(path), name, known)) for name, path in modules().items()}


def imported(tree: ast.Module, name: str, known: Mapping[str, bool]) -> Iterator[str]:
    """List the known modules that the module of this name imports.

    `known` says of each module whether it is a package. `from a import b` imports the module
    `a.b` where there is one, and otherwise a name out of `a`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in known)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, name, is_package=known[name])
            for each in node.names:
                submodule = f"{origin}.{each.name}"
                if submodule in known:
                    yield submodule
                elif origin in known:
                    yield origin


def _origin(node: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    """Return the absolute name of what `from … import` imports from."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    climbed = parts[: len(parts) - node.level + is_package]
    return ".".join([*climbed, *([node.module] if node.module else [])])


def cycles(edges: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """Return the groups of modules that import each other in a circle, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[frozenset[str]] = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for following in sorted(edges.get(node, ())):
            if following not in index:
                visit(following)
                lowest[node] = min(lowest[node], lowest[following])
            elif following in stack:
                lowest[node] = min(lowest[node], index[following])
        if lowest[node] == index[node]:
            start = stack.index(node)
            component = frozenset(stack[start:])
            del stack[start:]
            if len(component) > 1 or node in edges.get(node, ()):
                found.append(component)

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found
