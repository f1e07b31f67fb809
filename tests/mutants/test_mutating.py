"""Each mutation changes what it says, and has a name of its own.

What no test could judge is spared.
"""

from __future__ import annotations

import ast

import pytest
from tests.house.tree import ROOT
from tests.mutants.equivalents import EQUIVALENT
from tests.mutants.mutating import mutations
from tests.mutants.targets import TARGETS, Target


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("x = a < b", {"x = a <= b", "x = a >= b"}),
        ("x = a is None", {"x = a is not None"}),
        ("x = a and b", {"x = a or b", "x = a", "x = b"}),
        ("x = not a", {"x = a"}),
        ("x = 7", {"x = 8", "x = 6"}),
        ("x = True", {"x = False"}),
        ("x = a + b", {"x = a - b"}),
        ("x = a if b else c", {"x = c if b else a"}),
        ("x = all(a)", {"x = any(a)"}),
        ("x = a[b:c]", {"x = a[:c]", "x = a[b:]"}),
        ("x.y = a", {"pass"}),
        ("f(a)", {"pass"}),
        ("raise Wrong('7')", {"pass"}),
        ("def f():\n    return a", {"def f():\n    return None"}),
        ("def f():\n    return None", set()),
        ("'''Say.'''", set()),
        ("import a", set()),
        ("x: Literal[7]", set()),
        ("@f(7)\ndef g():\n    pass", set()),
    ],
)
def test_a_statement_is_changed_in_every_small_way(source: str, changed: set[str]) -> None:
    module = ast.parse(source)
    assert {ast.unparse(each.apply(module)) for each in mutations(module)} == changed
    assert ast.unparse(module) == ast.unparse(ast.parse(source))


def test_the_same_change_twice_has_two_names() -> None:
    names = [each.name for each in mutations(ast.parse("def f():\n    return a < b and a < b"))]
    assert len(set(names)) == len(names)
    assert names[0].startswith("f: return a < b and a < b: ")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_target_is_there_with_its_tests(target: Target) -> None:
    assert [path for path in (target.path, *target.tests) if not (ROOT / path).is_file()] == []


def test_a_mutation_that_is_listed_as_equivalent_is_still_made() -> None:
    made = {
        each.name: {
            mutation.name
            for mutation in mutations(ast.parse((ROOT / each.path).read_text(encoding="utf-8")))
        }
        for each in TARGETS
    }
    stale = {
        name: sorted(set(reasons) - made.get(name, set()))
        for name, reasons in EQUIVALENT.items()
        if set(reasons) - made.get(name, set())
    }
    assert stale == {}
