"""Lists of links from the command line, a file or standard input, the same for every command.

Owns the two formats of a list:

    https://example.org/a.png                 one link per line, optionally followed by a tab and
    https://example.org/b.png<tab>may/b.png   the file's name in the archive; # starts a comment

    url,name                                  or CSV with a header: a column url and optionally
    https://example.org/b.png,may/b.png       one name; other columns are ignored
"""

from __future__ import annotations

import csv
from itertools import chain
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HELP = (
    "A file with one link per line, or - for standard input. A tab and the file's name in the "
    "archive may follow a link. Lines starting with # are ignored. Or a CSV file with a column url "
    "and optionally a column name."
)

_DELIMITERS = ",;\t"


def gather(urls: Sequence[str], listing: IO[str] | None) -> list[tuple[str, str | None]]:
    """Collect links, with names if there are any: those of the command line, then of the list.

    A dash among the links stands for a list on standard input. Raises click.UsageError.
    """
    wanted: list[tuple[str, str | None]] = []
    try:
        for url in urls:
            if url == "-":
                wanted += read(click.open_file("-", encoding="utf-8"))
            else:
                wanted.append((url, None))
        if listing is not None:
            wanted += read(listing)
    except UnicodeDecodeError as error:
        raise click.UsageError("The list of links is not UTF-8 text.") from error
    except csv.Error as error:
        raise click.UsageError(f"The list of links is not valid CSV: {error}.") from error
    if not wanted:
        raise click.UsageError("No links given. Pass links, or a list of them with -i.")
    return wanted


def read(lines: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Read a list in either format. Raises UnicodeDecodeError, csv.Error."""
    rest = iter(lines)
    first = ""
    for line in rest:
        first = line.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")  # a byte order mark
        if first.strip() and not first.startswith("#"):
            break
    for delimiter in _DELIMITERS:
        columns = [column.strip().strip('"').lower() for column in first.split(delimiter)]
        if "url" in columns:
            yield from _rows(csv.DictReader(rest, columns, delimiter=delimiter))
            return
    for line in chain([first], rest):
        url, _, name = line.strip().partition("\t")
        if url and not url.startswith("#"):
            yield url.strip(), name.strip() or None


def _rows(rows: csv.DictReader[str]) -> Iterator[tuple[str, str | None]]:
    for row in rows:
        url, name = (row.get(column) or "" for column in ("url", "name"))
        if url.strip() and not url.startswith("#"):
            yield url.strip(), name.strip() or None
