"""The reference of the API as Markdown, made from its OpenAPI description.

Owns the form of docs/api.md below its first paragraph. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Schema = dict[str, Any]


def as_markdown(document: Schema) -> str:
    """Write every request, and every document that goes to and fro."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    parts = [document["info"]["description"].strip()]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += _operation(f"{method.upper()} {path}", operation)
    parts += ["## Documents"]
    for name in sorted(schemas):
        parts += _schema(name, schemas[name])
    return "\n\n".join(part for part in parts if part)


def _operation(title: str, operation: Schema) -> Iterator[str]:
    yield f"## {operation['summary']}"
    yield f"`{title}`"
    yield operation.get("description", "").strip()
    yield _table(
        ("parameter", "in", "type", ""),
        (
            (
                f"`{each['name']}`",
                each["in"],
                _type(each["schema"]),
                each.get("description", "") + _default(each["schema"]),
            )
            for each in operation.get("parameters", ())
        ),
    )
    body = operation.get("requestBody")
    if body is not None:
        need = "required" if body["required"] else "may be left out"
        yield f"Body ({need}): {_content(body['content'])}."
    yield _table(
        ("answer", "document", ""),
        (
            (status, _content(answer.get("content", {})), _meaning(answer["description"]))
            for status, answer in operation["responses"].items()
        ),
    )


def _meaning(description: str) -> str:
    # What FastAPI writes where there is nothing to say.
    return "" if description == "Successful Response" else description


def _content(content: dict[str, Schema]) -> str:
    return ", ".join(
        f"`{media_type}`" + (f" {_type(each['schema'])}" if each.get("schema") else "")
        for media_type, each in content.items()
    )


def _schema(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}"
    yield schema.get("description", "").strip()
    if "enum" in schema:
        yield f"One of {_values(schema['enum'])}."
    required = set(schema.get("required", ()))
    yield _table(
        ("field", "type", ""),
        (
            (
                f"`{field}`",
                _type(each),
                each.get("description", "") + ("" if field in required else _default(each)),
            )
            for field, each in schema.get("properties", {}).items()
        ),
    )


def _default(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default is None else f" Default `{default}`."


def _type(schema: Schema) -> str:
    """Name a type in a word or a few, with links to the documents."""
    return " or ".join(dict.fromkeys(_types(schema))) or "any"


def _types(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield f"[{name}](#{name.lower()})"
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _types(each)
    if "const" in schema:
        yield _values([schema["const"]])
    elif schema.get("type") == "array":
        yield f"list of {_type(schema['items'])}"
    elif "type" in schema:
        form = schema.get("format")
        yield f"{schema['type']} ({form})" if form else schema["type"]


def _values(values: Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Draw a table; none where it has no rows."""
    lines = ["| " + " | ".join(re.sub(r"\s+", " ", cell) for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines])
