"""docs/settings.md is the table in the code, and no document names a setting that does not exist.

`UPDATE_DOCS=1 make test ARGS=tests/house` writes the document's table anew.
"""

from __future__ import annotations

import re

from tests.house.generated import assert_holds
from tests.house.tree import project_files, read

from packmule.settings import TABLE, as_markdown
from packmule.settings.names import OF_THE_CLIENT

DOCUMENT = "docs/settings.md"
NAME = re.compile(r"\bPACKMULE_[A-Z_]*[A-Z]\b")
# Read by the tests themselves, not by the program.
OF_THE_TESTS = {"PACKMULE_TESTS_MAY_SKIP"}


def test_the_document_holds_the_table_of_the_code() -> None:
    assert_holds(DOCUMENT, as_markdown(), suite="tests/house")


def test_every_setting_is_documented() -> None:
    documented = read(DOCUMENT)
    assert TABLE
    assert [setting.name for setting in TABLE if f"`{setting.name}`" not in documented] == []


def test_no_document_names_a_setting_that_does_not_exist() -> None:
    known = {setting.name for setting in TABLE} | OF_THE_CLIENT | OF_THE_TESTS
    named = {
        (str(path), name)
        for path in project_files()
        if path.suffix == ".md" and path.parts[0] in {path.name, "docs"}
        for name in NAME.findall(read(path))
    }
    assert named
    assert {(path, name) for path, name in named if name not in known} == set()
