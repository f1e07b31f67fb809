"""docs/openapi.json is what the code says; `UPDATE_DOCS=1` updates it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from packmule.jobs.model import FileState
from packmule.web.app import description
from packmule.web.problems import ProblemCode
from packmule.web.reference import as_html

KEPT = Path(__file__).resolve().parents[3] / "docs/openapi.json"


def test_the_document_is_true_to_the_code() -> None:
    text = json.dumps(description(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_DOCS") == "1":
        KEPT.write_text(text, encoding="utf-8")
    assert KEPT.read_text(encoding="utf-8") == text


def references(node: Any) -> set[str]:
    match node:
        case dict():
            found = {value for key, value in node.items() if key == "$ref"}
            return found.union(*(references(value) for value in node.values()))
        case list():
            return set().union(*map(references, node))
        case _:
            return set()


def test_every_reference_leads_somewhere() -> None:
    document = description()
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas


def test_every_request_tells_of_its_errors() -> None:
    for methods in description()["paths"].values():
        for operation in methods.values():
            assert list(operation["responses"]["default"]["content"]) == [
                "application/problem+json"
            ]
            assert "422" not in operation["responses"]
            assert operation["summary"]


def test_words_of_the_contract_stand_in_the_description() -> None:
    schemas = description()["components"]["schemas"]
    assert schemas["FileState"]["enum"] == [state.value for state in FileState]
    assert set(schemas["CreateIn"]["properties"]) == {
        "urls", "name", "on_error", "on_html", "compression", "webhook_url", "expires_in",
        "manifest", "max_part_bytes", "priority",
    }  # fmt: skip
    assert schemas["CreateIn"]["additionalProperties"] is False


def test_the_codes_of_problems_are_unlike() -> None:
    assert len({code.value for code in ProblemCode}) == len(ProblemCode)


def test_the_reference_shows_text_as_text() -> None:
    evil = "<script>alert(1)</script>"
    page = as_html(
        {
            "info": {"title": evil, "version": evil, "description": f"`{evil}` {evil}"},
            "paths": {f"/{evil}": {"get": {"summary": evil, "responses": {}}}},
            "components": {
                "schemas": {evil: {"properties": {evil: {"type": evil, "description": evil}}}}
            },
        }
    )
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_status_is_told_by_its_word_and_no_other_document_is_taken_for_one() -> None:
    schemas = description()["components"]["schemas"]
    words = {
        name: schema["properties"]["status"]["const"]
        for name, schema in schemas.items()
        if "const" in schema.get("properties", {}).get("status", {})
    }
    assert set(words.values()) == {"in-progress", "completed", "failed", "cancelled", "expired"}
    for name in words:
        assert "status" in schemas[name]["required"]
    assert "status" not in schemas["ChangedFilesOut"]["properties"]
