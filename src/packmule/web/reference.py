"""The API reference, generated from the OpenAPI description: a page without scripts, and Markdown.

Owns reading the description into headings, tables and short texts with Markdown markup. Leaves the
look of each form to its template. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packmule.web.curl_examples import curl
from packmule.web.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """A table whose cells are Markdown; without rows it is left out."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A request: what to send, also as a `curl` command, and what comes back."""

    request: str
    curl: str
    summary: str
    description: str
    parameters: ReferenceTable
    body: str
    responses: ReferenceTable

    @property
    def anchor(self) -> str:
        """Return the name that links to this request use."""
        return "-".join(re.findall(r"\w+", self.request)).lower()


@dataclass(frozen=True, slots=True)
class DocumentShape:
    """A JSON document, or an enumeration."""

    name: str
    description: str
    values: str
    fields: ReferenceTable

    @property
    def anchor(self) -> str:
        """Return the name that links to this document use."""
        return self.name.lower()


def as_html(document: Schema) -> str:
    """Render the page."""
    return render("api_reference.html", **_read(document))


def as_markdown(document: Schema) -> str:
    """Render the same as Markdown."""
    text = render("api_reference.md", **_read(document))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _read(document: Schema) -> dict[str, Any]:
    info = document["info"]
    schemas: dict[str, Schema] = document["components"]["schemas"]
    return {
        "title": f"{info['title']} {info['version']}",
        "description": info["description"].strip(),
        "operations": [
            _operation(method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ],
        "schemas": [_shape(name, schemas[name]) for name in sorted(schemas)],
    }


def _operation(method: str, path: str, operation: Schema) -> Operation:
    body = operation.get("requestBody")
    return Operation(
        f"{method} {path}",
        curl(method, path, operation),
        operation["summary"],
        operation.get("description", "").strip(),
        _table(
            "Parameters",
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
        ),
        "" if body is None else _body(body),
        _table(
            "Responses",
            ("status", "document", ""),
            (
                (status, _content(answer.get("content", {})), _meaning(answer["description"]))
                for status, answer in operation["responses"].items()
            ),
        ),
    )


def _body(body: Schema) -> str:
    need = "required" if body["required"] else "optional"
    return f"Body ({need}): {_content(body['content'])}."


def _meaning(description: str) -> str:
    # What FastAPI writes where there is nothing to say.
    return "" if description == "Successful Response" else description


def _content(content: dict[str, Schema]) -> str:
    return ", ".join(
        f"`{media_type}`" + (f" {_type(each['schema'])}" if each.get("schema") else "")
        for media_type, each in content.items()
    )


def _shape(name: str, schema: Schema) -> DocumentShape:
    required = set(schema.get("required", ()))
    return DocumentShape(
        name,
        schema.get("description", "").strip(),
        f"One of {_values(schema['enum'])}." if "enum" in schema else "",
        _table(
            "Fields",
            ("field", "type", ""),
            (
                (
                    f"`{field}`",
                    _type(each),
                    each.get("description", "") + ("" if field in required else _default(each)),
                )
                for field, each in schema.get("properties", {}).items()
            ),
        ),
    )


def _default(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default is None else f" Default `{default}`."


def _type(schema: Schema) -> str:
    """Name a type in a few words, with links to the documents."""
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


def _table(caption: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> ReferenceTable:
    return ReferenceTable(
        caption, head, tuple(tuple(re.sub(r"\s+", " ", cell) for cell in row) for row in rows)
    )
