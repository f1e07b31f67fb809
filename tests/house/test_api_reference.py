"""docs/api.md is what docs/openapi.json says, for people.

`UPDATE_DOCS=1 make test ARGS=tests/house` updates it.
"""

from __future__ import annotations

import json
import re

from tests.house.generated import assert_holds
from tests.house.tree import read

from packmule.web.reference import as_markdown

DOCUMENT = "docs/api.md"
DESCRIPTION = json.loads(read("docs/openapi.json"))


def test_the_document_holds_what_the_api_says_of_itself() -> None:
    assert_holds(DOCUMENT, as_markdown(DESCRIPTION), suite="tests/house")


def test_every_request_and_every_document_has_its_heading() -> None:
    text = read(DOCUMENT)
    for path, methods in DESCRIPTION["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in text
    headings = re.findall(r"^### (\w+)$", text, re.MULTILINE)
    assert headings == sorted(DESCRIPTION["components"]["schemas"])
