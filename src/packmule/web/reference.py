"""The reference of the API as a plain page, made from its OpenAPI description.

Owns turning the description into HTML that needs no script and nothing from elsewhere. Pure.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Schema = dict[str, Any]

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} {version}: the API</title>
<link rel="icon" href="static/icon.svg">
<link rel="stylesheet" href="static/page.css">
</head>
<body class="reference">
<main>
<h1>{title} {version}: the API</h1>
{description}
<p>For programs: <a href="openapi.json">openapi.json</a>. For people: <a href="./">the page</a>.</p>
<nav aria-label="Requests"><ul>
{contents}
</ul></nav>
{operations}
<h2 id="schemas">Documents</h2>
{schemas}
</main>
</body>
</html>
"""


def as_html(document: dict[str, Any]) -> str:
    """Write the whole page."""
    info = document["info"]
    operations = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas: dict[str, Schema] = document["components"]["schemas"]
    return _PAGE.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        description=_paragraphs(info["description"]),
        contents="\n".join(_link(*each) for each in operations),
        operations="\n".join(_operation(*each) for each in operations),
        schemas="\n".join(_schema(name, schemas[name]) for name in sorted(schemas)),
    )


def _code_and_text(text: str) -> str:
    """Escape a text and show what stands between backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{_code_and_text(each)}</p>" for each in text.split("\n\n") if each)


def _anchor(method: str, path: str) -> str:
    words = re.findall(r"\w+", path)
    return "-".join([method.lower(), *words])


def _link(method: str, path: str, operation: Schema) -> str:
    return (
        f'<li><a href="#{_anchor(method, path)}"><code>{method} {escape(path)}</code></a> '
        f"{escape(operation['summary'])}</li>"
    )


def _operation(method: str, path: str, operation: Schema) -> str:
    lines = [
        f'<section aria-labelledby="{_anchor(method, path)}">',
        f'<h2 id="{_anchor(method, path)}"><code>{method} {escape(path)}</code></h2>',
        f"<p><strong>{escape(operation['summary'])}.</strong></p>",
        _paragraphs(operation.get("description", "")),
    ]
    parameters = operation.get("parameters", [])
    if parameters:
        rows = [
            (
                f"<code>{escape(each['name'])}</code>",
                escape(each["in"]),
                _type(each["schema"]),
                _code_and_text(each.get("description", "")),
            )
            for each in parameters
        ]
        lines.append(_table("Parameters", ("name", "in", "type", ""), rows))
    body = operation.get("requestBody")
    if body is not None:
        need = "required" if body["required"] else "may be left out"
        lines.append(f"<p>Body ({need}): {_content(body['content'])}</p>")
    answers = [
        (escape(status), _content(answer.get("content", {})), escape(answer["description"]))
        for status, answer in operation["responses"].items()
    ]
    lines += [_table("Answers", ("status", "document", ""), answers), "</section>"]
    return "\n".join(line for line in lines if line)


def _content(content: dict[str, Schema]) -> str:
    return ", ".join(
        f"<code>{escape(media_type)}</code>"
        + (f" {_type(each['schema'])}" if each.get("schema") else "")
        for media_type, each in content.items()
    )


def _schema(name: str, schema: Schema) -> str:
    lines = [f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>']
    lines.append(_paragraphs(schema.get("description", "")))
    if "enum" in schema:
        lines.append(f"<p>One of {_values(schema['enum'])}.</p>")
    if "properties" in schema:
        required = set(schema.get("required", ()))
        rows = [
            (
                f"<code>{escape(field)}</code>",
                _type(each),
                _code_and_text(each.get("description", "")) + _note(each, needed=field in required),
            )
            for field, each in schema["properties"].items()
        ]
        lines.append(_table("Fields", ("name", "type", ""), rows))
    return "\n".join(line for line in lines if line)


def _note(schema: Schema, *, needed: bool) -> str:
    if needed or schema.get("default") is None:
        return ""
    return f" Default <code>{escape(str(schema['default']))}</code>."


def _type(schema: Schema) -> str:
    """Name a type in a word or a few, with links to the documents."""
    return " or ".join(dict.fromkeys(_types(schema))) or "any"


def _types(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        yield f'<a href="#schema-{name}">{name}</a>'
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _types(each)
    if "const" in schema:
        yield _values([schema["const"]])
    elif schema.get("type") == "array":
        yield f"list of {_type(schema['items'])}"
    elif "type" in schema:
        form = schema.get("format")
        yield escape(f"{schema['type']} ({form})" if form else schema["type"])


def _values(values: list[Any]) -> str:
    return ", ".join(f"<code>{escape(str(value))}</code>" for value in values)


def _table(caption: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    # A column whose cells speak for themselves has no head, and an empty one is no heading.
    titles = "".join(
        f'<th scope="col">{escape(title)}</th>' if title else "<td></td>" for title in head
    )
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><caption>{caption}</caption>\n'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )
