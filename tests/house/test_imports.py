"""Imports within the package form no cycle, and no class name means two things."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest
from tests.house.imports import cycles, graph, imported, modules
from tests.house.tree import parse


def twins() -> dict[str, list[str]]:
    """Return the class names that several modules define, and those modules."""
    found = defaultdict(set)
    for module, path in modules().items():
        for node in parse(path).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].add(module)
    return {name: sorted(places) for name, places in found.items() if len(places) > 1}


def test_no_modules_import_each_other_in_a_cycle() -> None:
    assert [sorted(cycle) for cycle in cycles(graph())] == []


def test_no_class_name_is_defined_twice() -> None:
    assert twins() == {}


def test_the_graph_holds_every_module_and_imports_that_are_known_to_be_there() -> None:
    assert set(graph()) == set(modules())
    assert "packmule.errors" in graph()["packmule.jobs.model"]
    assert "packmule.cli" in graph()["packmule.__main__"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import p.a.b", {"p.a.b"}),
        ("import elsewhere", set()),
        ("from p.a import b", {"p.a.b"}),
        ("from p.a import other", {"p.a"}),
        ("from p.a import b, other", {"p.a.b", "p.a"}),
        ("from . import b", {"p.a.b"}),
        ("from .b import something", {"p.a.b"}),
        ("from .. import a", {"p.a"}),
        ("def f():\n    from p.a import b", {"p.a.b"}),
        ("if TYPE_CHECKING:\n    from p.a.b import T", {"p.a.b"}),
    ],
)
def test_every_kind_of_import_is_seen(source: str, found: set[str]) -> None:
    known = {"p": True, "p.a": True, "p.a.b": False, "p.a.c": False}
    assert set(imported(ast.parse(source), "p.a.c", known)) == found


def test_a_package_resolves_its_dots_from_itself() -> None:
    known = {"p": True, "p.a": True, "p.a.b": False}
    assert set(imported(ast.parse("from .b import T"), "p.a", known)) == {"p.a.b"}


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}}, [{"a", "b"}]),
        ({"a": {"a"}}, [{"a"}]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}}, ["de", "abc"]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, []),
    ],
)
def test_cycles_are_found(edges: dict[str, set[str]], found: list[set[str]]) -> None:
    assert cycles(edges) == [frozenset(each) for each in found]
