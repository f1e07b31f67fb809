"""Output for people: a table on a terminal, tab-separated lines elsewhere, or JSON.

Control characters in untrusted text (names, links) are replaced, so that no job can write escape
sequences to a terminal.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from packmule.cli import exits
from packmule.errors import PackmuleError
from packmule.foreign_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows; with `as_json` all fields of each row, one object per line."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=True))
        return
    cells = [[harmless(row[column]) for column in columns] for row in rows]
    if not sys.stdout.isatty():
        for line in (list(columns), *cells):
            click.echo("\t".join(line))
        return
    print_table([column.replace("_", " ") for column in columns], cells)


def print_table(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Print aligned columns. A cell is never cut: a hash, above all, is to be copied whole."""
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        padded = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def show_fields(fields: Mapping[str, Any]) -> None:
    """Print fields, one per line, without those that are None."""
    shown = {name.replace("_", " "): value for name, value in fields.items() if value is not None}
    width = max(map(len, shown))
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {harmless(value)}")


def harmless(value: Any) -> str:
    """Return a value as text that is safe to print to a terminal."""
    return "" if value is None else printable(str(value))


def instant(at: datetime | None) -> str | None:
    """Return a moment to the second, in UTC, as 2026-03-01T12:30:15Z."""
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")


def number(count: int, noun: str) -> str:
    """Return a count with its noun: `1 file`, `2,000 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counts(done: int, total: int, *, active: int = 0, failed: int = 0, retrying: int = 0) -> str:
    """Return how many files there are of each kind, as `3 of 8 files, 2 active, 1 failed`."""
    kinds = ((active, "active"), (failed, "failed"), (retrying, "retrying"))
    told = [f"{count:,} {kind}" for count, kind in kinds if count]
    return ", ".join([f"{done:,} of {number(total, 'file')}", *told])


@contextmanager
def writing_output() -> Iterator[None]:
    """Report output that cannot be written, as on a full disk, and exit; not the end of a pipe."""
    try:
        yield
    except (BrokenPipeError, PackmuleError):
        raise  # whoever reads the output has enough; click ends quietly
    except OSError as error:
        click.echo(f"Error: Cannot write the output: {error.strerror or error}.", err=True)
        with suppress(OSError):
            sys.stdout.close()  # or the interpreter would try once more at its end
        raise SystemExit(exits.FAILED) from error
