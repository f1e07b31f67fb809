"""Words that have no place in the project: vague names, promises to oneself, one machine's paths.

The words looked for are written here in pieces, so that this file keeps its own rules.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.house.tree import files_under, is_text, project_files, read

if TYPE_CHECKING:
    from pathlib import Path

VAGUE = {"base", "common", "core", "helper", "helpers", "manager", "misc", "util", "utils"}
SELF_PROMISE = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")

HOMES = "|".join(["wo" + "rk", "ro" + "ot", "ho" + r"me/\w+", "Use" + r"rs/\w+"])
TEMPORARY = "tm" + "p"
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "deb." + "debian.org",
    "archive.ubuntu" + ".com",
    "crates" + ".io",
]

MACHINE_PATH = re.compile(rf"(?<![\w.$}}*~<>-])/({HOMES})(?=[/\s'\"`:,)]|$)", re.MULTILINE)
TEMPORARY_PATH = re.compile(
    rf"(?<![\w.$}}*~<>-])/(var/)?{TEMPORARY}(?=[/\s'\"`:,)]|$)", re.MULTILINE
)
REGISTRY = re.compile(
    "|".join(re.escape(host) for host in REGISTRIES)
    + r"|--(extra-)?index-[u]rl|--find-[l]inks|\"[r]esolved\": \"http"
)

# Path: why its text is not checked.
NOT_OURS = {"LICENSE": "the Apache License, word for word"}


def places(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """List where a pattern occurs, as `path:line: text`."""
    return [
        f"{path}:{number}: {line.strip()}"
        for path in files
        if str(path) not in NOT_OURS and is_text(path)
        for number, line in enumerate(read(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_module_has_a_vague_name() -> None:
    modules = files_under("src", "tests", "bench", suffixes=frozenset({".py"}))
    assert [str(path) for path in modules if {path.stem, *path.parts[:-1]} & VAGUE] == []


def test_nothing_is_promised_for_later() -> None:
    assert places(SELF_PROMISE, list(project_files())) == []


def test_no_path_of_one_machine_is_kept() -> None:
    assert places(MACHINE_PATH, list(project_files())) == []


def test_only_tests_may_speak_of_the_temporary_folder() -> None:
    ours = [path for path in project_files() if path.parts[0] != "tests"]
    assert places(TEMPORARY_PATH, ours) == []


def test_no_registry_is_named() -> None:
    assert places(REGISTRY, list(project_files())) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"cd /{'wo'}rk/main", True),
        (f'"/{"ro"}ot"', True),
        (f"open('/{'ho'}me/ann/a.txt')", True),
        (f"http://127.0.0.1/{'wo'}rk/a.png", False),
        ("/workers/1", False),
        ("the path /var/lib/packmule", False),
    ],
)
def test_a_path_of_one_machine_is_told_from_a_url(text: str, *, found: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is found
