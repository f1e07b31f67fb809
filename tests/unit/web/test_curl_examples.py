"""The curl commands of the API reference are requests that the service takes."""

from __future__ import annotations

import json
import shlex

import pytest

from packmule.web.app import description
from packmule.web.curl_examples import curl
from packmule.web.schema import CreateIn, RetryIn

OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in description()["paths"].items()
    for method, operation in methods.items()
]


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{m} {p}" for m, p, _ in OPERATIONS]
)
def test_a_command_asks_for_its_operation(
    method: str, path: str, operation: dict[str, object]
) -> None:
    words = shlex.split(curl(method, path, operation))
    assert words[0] == "curl"
    place = (
        path.replace("{archive_hash}", "$HASH").replace("{position}", "0").replace("{number}", "1")
    )
    assert words[-1] == f"$PACKMULE_SERVER{place}"
    sends_body = "--json" in words
    asked = words[words.index("--request") + 1] if "--request" in words else None
    assert (asked or ("POST" if sends_body else "GET")) == method
    assert ("Authorization: Bearer $PACKMULE_API_KEY" in words) == bool(operation.get("security"))


@pytest.mark.parametrize(("name", "shape"), [("create", CreateIn), ("retry", RetryIn)])
def test_a_body_is_one_that_the_operation_takes(name: str, shape: type[CreateIn | RetryIn]) -> None:
    (found,) = [each for each in OPERATIONS if f"/{name}" in each[1]]
    words = shlex.split(curl(*found))
    shape.model_validate(json.loads(words[words.index("--json") + 1]))
