"""docs/api.md is what docs/openapi.json says, for people.

`UPDATE_DOCS=1 make test ARGS=tests/house` writes it anew.
"""

from __future__ import annotations

import json
import os
import re

from tests.house.api_reference import as_markdown
from tests.house.tree import ROOT, read

DOCUMENT = "docs/api.md"
MADE = re.compile(r"(?<=\n)(<!-- begin: [^\n]*-->\n).*?(<!-- end -->\n)", re.DOTALL)
DESCRIPTION = json.loads(read("docs/openapi.json"))


def test_the_document_holds_what_the_api_says_of_itself() -> None:
    now = read(DOCUMENT)
    assert MADE.search(now)
    text = as_markdown(DESCRIPTION)
    made = MADE.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", now)
    if os.environ.get("UPDATE_DOCS") == "1":
        (ROOT / DOCUMENT).write_text(made, encoding="utf-8")
        return
    assert now == made, "run UPDATE_DOCS=1 make test ARGS=tests/house"


def test_every_request_and_every_document_has_its_heading() -> None:
    text = read(DOCUMENT)
    for path, methods in DESCRIPTION["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in text
    headings = re.findall(r"^### (\w+)$", text, re.MULTILINE)
    assert headings == sorted(DESCRIPTION["components"]["schemas"])
