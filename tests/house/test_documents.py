"""Documents are true to the code: links lead somewhere, and every code and library is named."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from tests.house.tree import ROOT, project_files, read

from packmule.errors import FailureCode
from packmule.web.problems import ProblemCode

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [path for path in project_files() if path.suffix == ".md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*\ssrc=\"([^\"]+)\"")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """List the anchors of a document's headings, spelled as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", read(path)), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    dead = []
    for match in LINK.finditer(FENCED.sub("", read(document))):
        link = match[1] or match[2]
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / document.parent / name) if name else (ROOT / document)
        if not target.exists() or (
            anchor and anchor not in anchors(target.resolve().relative_to(ROOT))
        ):
            dead.append(link)
    assert dead == []


def test_the_changelog_has_a_section_for_what_is_unreleased() -> None:
    assert re.search(r"^## Unreleased$", read("CHANGELOG.md"), re.MULTILINE)


def test_every_failure_code_is_explained_and_no_other() -> None:
    assert sorted(ROW.findall(read("docs/failure-codes.md"))) == sorted(FailureCode)


def test_every_problem_code_is_explained_and_no_other() -> None:
    assert sorted(ROW.findall(read("docs/problem-codes.md"))) == sorted(ProblemCode)


def test_every_run_time_library_has_its_reason_and_no_other() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    items = [*project["dependencies"], *extras["server"], *extras["s3"], *extras["postgres"]]
    libraries = [re.split(r"[\[<>=~! ]", item)[0] for item in items]
    assert sorted(ROW.findall(read("docs/decisions/0002-libraries.md"))) == sorted(libraries)


def test_decisions_are_numbered_without_doubles() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("[!i]*.md"))
    assert pages
    assert [page.name for page in pages if not re.match(r"\d{4}-[a-z0-9-]+\.md$", page.name)] == []
    numbers = [int(page.name[:4]) for page in pages]
    assert len(set(numbers)) == len(numbers)
    titles = {page.name: page.read_text(encoding="utf-8").splitlines()[0] for page in pages}
    assert [
        name for name, title in titles.items() if not title.startswith(f"# {int(name[:4])}. ")
    ] == []


def test_every_module_that_a_text_names_exists() -> None:
    files = [f"/{path}" for path in project_files()]
    texts = [path for path in project_files() if path.suffix in {".md", ".py", ".js"}]
    named = {
        (str(text), name)
        for text in texts
        for name in re.findall(r"`((?:[\w-]+/)*[\w-]+\.py)`", read(text))
        if str(text) != "CHANGELOG.md"  # it tells of modules that are gone, too
    }
    assert named
    gone = {one for one in named if not any(file.endswith(f"/{one[1]}") for file in files)}
    assert gone == {("docs/guides/s3.md", "links.py")}  # the guide has its reader write that one


def test_every_decision_is_in_the_index_by_topic_and_no_other() -> None:
    index = read("docs/decisions/index.md")
    pages = {page.name for page in (ROOT / "docs/decisions").glob("[!i]*.md")}
    _, first, by_topic = re.split(r"^## .*$", index, flags=re.MULTILINE)
    assert set(re.findall(r"\]\(([^)]+)\)", by_topic)) == pages
    assert len(re.findall(r"^\d+\. ", first, re.MULTILINE)) == 10


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", read("Makefile"), re.MULTILINE))
    named = {
        (str(document), target)
        for document in DOCUMENTS
        for target in re.findall(
            r"(?:^|`)make (?:-C \S+ )?([a-z][a-z0-9-]*)", read(document), re.MULTILINE
        )
    }
    assert named
    assert {(document, target) for document, target in named if target not in targets} == set()
