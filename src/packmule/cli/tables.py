"""Rows for the operator: a table on a terminal, tab-separated lines elsewhere, or JSON.

Owns how they look. What strangers have chosen (names, links) is shown with its control characters
replaced: nobody's terminal is written to by a job.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_FOLDED = frozenset({"client", "name", "link", "detail"})


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Show rows; as JSON every field of each, an object a line."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=True))
        return
    cells = [[harmless(row[column]) for column in columns] for row in rows]
    if not sys.stdout.isatty():
        for line in (list(columns), *cells):
            click.echo("\t".join(line))
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for column in columns:
        folds = column in _FOLDED  # the others, a hash above all, are to be copied whole
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=not folds)
    for line in cells:
        table.add_row(*map(Text, line))
    Console().print(table)


def show_fields(fields: Mapping[str, Any]) -> None:
    """Show one thing's fields, a line each; those that are None are left out."""
    shown = {name.replace("_", " "): value for name, value in fields.items() if value is not None}
    width = max(map(len, shown))
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {harmless(value)}")


def harmless(value: Any) -> str:
    """Give a value as text that does nothing to a terminal."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
