"""Lists of links: from the command line, a file or standard input, the same for every command.

Owns the two forms a list may have:

    https://example.org/a.png                 a link a line; after a tab, the name its file is to
    https://example.org/b.png<tab>may/b.png   have in the archive. # begins a remark

    url,name                                  or CSV, whose first line names its columns: url and,
    https://example.org/b.png,may/b.png       if there is one, name; others are passed over
"""

from __future__ import annotations

import csv
from itertools import chain
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HELP = (
    "A file with one link a line, or - for standard input. After a link, a tab and the name the "
    "file is to have in the archive may follow. Lines that begin with # are passed over. A CSV "
    "file is read too, if its first line names a column url, and perhaps one name."
)

_DELIMITERS = ",;\t"


def gather(urls: Sequence[str], listing: IO[str] | None) -> list[tuple[str, str | None]]:
    """Gather links, with names where there are some: of the command line, then of the list.

    A dash among the links is the list on standard input. Raises click.UsageError.
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
        raise click.UsageError("the list of links is not UTF-8 text.") from error
    except csv.Error as error:
        raise click.UsageError(f"the list of links cannot be read as CSV: {error}.") from error
    if not wanted:
        raise click.UsageError("no links were given: name some, or a list of them with -i.")
    return wanted


def read(lines: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Read a list of either form. Raises UnicodeDecodeError, csv.Error."""
    rest = iter(lines)
    first = ""
    for line in rest:
        first = line.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")  # a mark at the file's start
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
