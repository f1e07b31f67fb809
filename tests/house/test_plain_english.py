"""What people read is plain English: headings that one searches for, and no literal translations.

Owns the phrases that have no place in the documentation, in docstrings and in messages, and what to
write instead. Decisions are records and keep their words, and so does what is generated from runs.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.house.tree import files_under, project_files, read

if TYPE_CHECKING:
    from pathlib import Path

# Phrase: what to write instead.
PHRASES = {
    r"\banew\b": "again, or start over",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\b(?:can|could|may) be had\b": "is available",
    r"\bin (?:its|their|his) stead\b": "instead",
    r"\b(?:is|are|was|were) told (?:as|after|anyhow)\b": "is reported",
    r"\bpassed over\b": "ignored",
    r"\bfar and wide\b|\bwell-nigh\b|\bhence\b|\bthereof\b|\bwhereof\b|\bwherein\b": "plain words",
    r"\b(?:resolver|disk|host|worker|server) is ill\b": "does not work",
    r"\bis (?:to be|that is to be) done where\b": "say who does what",
    r"\btakes? up again\b|\btaken up again\b": "resume",
    r"\b(?:an error|a fault) of ours\b|\bours to\b": "a bug, or an internal error",
    r"\bwhat stands before\b": "the proxy in front of",
    r"\bwhoever asks\b": "the client",
    r"\banybody's\b": "anyone's",
    r"\ba fleet whose\b": "name the thing",
    r"\bwhen it is typed again\b": "when you run it again",
    r"'\w+' is no \w+": "is not a valid",
    r"\bcan send the like\b": "can forge",
    r"\b(?:he|him|his)\b": "it, the client, the operator",
    r"\bso long as\b": "as long as",
    r"\bmendable\b": "fixable",
}
PATTERN = re.compile("|".join(f"(?:{each})" for each in PHRASES), re.IGNORECASE)

# A question, or the middle of a sentence, is not what anyone searches for.
OPENINGS = {
    "are", "being", "by", "is", "of", "what", "when", "where", "whether", "which", "who", "whose",
}  # fmt: skip
HEADING = re.compile(r"^#{1,6} (.+)$")

# Document: why its headings, or its words, are not checked.
NOT_CHECKED = {
    "docs/api.md": "generated from the API's description",
    "docs/benchmarks.md": "written by make bench",
    "docs/capacity.md": "written by make capacity",
    "docs/field-cases.md": "written by tests/field",
    "docs/readers.md": "written by make readers",
    "docs/unexpected.md": "an essay",
}

PAGES = [
    path
    for path in project_files()
    if path.suffix == ".md"
    and (path.parts[0] == "docs" or len(path.parts) == 1)
    and path.parts[:2] != ("docs", "decisions")
    and str(path) not in {*NOT_CHECKED, "CHANGELOG.md"}
]


def prose(path: Path) -> list[tuple[int, str]]:
    """List a page's lines outside code blocks, each with its number."""
    lines, inside = [], False
    for number, text in enumerate(read(path).splitlines(), 1):
        if text.lstrip().startswith("```"):
            inside = not inside
        elif not inside and not text.startswith("<!--"):
            lines.append((number, text))
    return lines


def phrases(path: Path, lines: list[tuple[int, str]]) -> list[str]:
    """List where a phrase occurs, also over the end of a line."""
    found = [
        f"{path}:{number}: {match[0]}" for number, text in lines for match in PATTERN.finditer(text)
    ]
    for (number, text), (_, after) in pairwise(lines):
        both = f"{text.rstrip()} {after.lstrip()}"
        end = len(text.rstrip())
        found += [
            f"{path}:{number}: {match[0]}"
            for match in PATTERN.finditer(both)
            if match.start() < end < match.end()
        ]
    return found


def test_no_page_has_a_literal_translation() -> None:
    assert PAGES
    assert [each for path in PAGES for each in phrases(path, prose(path))] == []


def test_a_heading_is_what_one_searches_for() -> None:
    headings = [
        (f"{path}:{number}", found[1])
        for path in PAGES
        for number, text in prose(path)
        if (found := HEADING.match(text))
    ]
    assert len(headings) > 50
    assert [
        f"{where}: {text}"
        for where, text in headings
        if text.split()[0].lower() in OPENINGS or text.endswith(("?", ".", ":"))
    ] == []


@pytest.mark.parametrize("folder", ["src", "deploy", ".github"])
def test_code_and_configuration_have_no_literal_translation(folder: str) -> None:
    paths = files_under(
        folder, suffixes=frozenset({".py", ".js", ".html", ".yaml", ".yml", ".tpl", ".txt"})
    )
    assert paths
    lines = {path: list(enumerate(read(path).splitlines(), 1)) for path in paths}
    assert [each for path in paths for each in phrases(path, lines[path])] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("mended by a click", True), ("a recommended setting", False), ("begin it anew", True)],
)
def test_a_phrase_is_found_as_a_word(text: str, found: object) -> None:
    assert bool(PATTERN.search(text)) is found
