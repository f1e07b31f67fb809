"""Small rooms: a file is one idea, a function one job."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.house.tree import files_under, parse, read

FILE_LINES = {"src": 500, "bench": 500, "tests": 400}
FUNCTION_LINES = 60
MODULE_LINES = 150
"""Of the page's scripts: there is no build step that would show what a large one holds."""
SOURCE = frozenset({".py", ".js", ".mjs", ".css", ".html", ".sh", ".sql", ".conf"})
PYTHON = frozenset({".py"})

# Path: (its limit, why it may be longer). Empty at best.
LONG_FILES: dict[str, tuple[int, str]] = {}
# "path:function": (its limit, why it may be longer). Empty at best.
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {}


@cache
def functions() -> list[tuple[str, int]]:
    """List every function as `path:name` with its length in lines, decorators left out."""
    return [
        (f"{path}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for path in files_under(*FILE_LINES, suffixes=PYTHON)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def file_limit(path: Path) -> int:
    """Give the number of lines this file may have."""
    limit, _ = LONG_FILES.get(str(path), (FILE_LINES[path.parts[0]], ""))
    return limit


def test_no_file_is_longer_than_its_limit() -> None:
    lines = {
        path: len(read(path).splitlines()) for path in files_under(*FILE_LINES, suffixes=SOURCE)
    }
    assert {str(path): n for path, n in lines.items() if n > file_limit(path)} == {}


def test_no_module_of_the_page_is_longer_than_its_limit() -> None:
    modules = [
        path for path in files_under("src", suffixes=frozenset({".js"})) if "static" in path.parts
    ]
    assert modules
    lines = {str(path): len(read(path).splitlines()) for path in modules}
    assert {path: n for path, n in lines.items() if n > MODULE_LINES} == {}


def test_no_function_is_longer_than_its_limit() -> None:
    found = functions()
    assert found
    too_long = {
        name: lines
        for name, lines in found
        if lines > LONG_FUNCTIONS.get(name, (FUNCTION_LINES, ""))[0]
    }
    assert too_long == {}


def test_an_exception_to_a_limit_is_still_needed() -> None:
    lengths = dict(functions())
    idle_files = [
        path
        for path in LONG_FILES
        if len(read(path).splitlines()) <= FILE_LINES[Path(path).parts[0]]
    ]
    idle_functions = [name for name in LONG_FUNCTIONS if lengths.get(name, 0) <= FUNCTION_LINES]
    assert idle_files + idle_functions == []
