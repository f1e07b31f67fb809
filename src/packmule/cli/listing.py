"""The links that a command is given: its arguments, a file or standard input.

Owns the order and the errors. Leaves the forms of a list to `outbound.link_list`.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from packmule.outbound.link_list import ListInvalid, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HELP = (
    "A file with one link per line, or - for standard input. A tab and the file's name in the "
    "archive may follow a link. Lines starting with # are ignored. Or a CSV file with a column url "
    "and optionally a column name. Or JSON: an array of links, or one value per line."
)


def gather(urls: Sequence[str], listing: IO[bytes] | None) -> list[tuple[str, str | None]]:
    """Collect links, with names if there are any: those of the command line, then of the list.

    A dash among the links stands for a list on standard input. Raises click.UsageError.
    """
    wanted: list[tuple[str, str | None]] = []
    for url in urls:
        if url == "-":
            wanted += _read(click.open_file("-", "rb"))
        else:
            wanted.append((url, None))
    if listing is not None:
        wanted += _read(listing)
    if not wanted:
        raise click.UsageError("No links given. Pass links, or a list of them with -i.")
    return wanted


def _read(listing: IO[bytes]) -> Iterator[tuple[str, str | None]]:
    try:
        for link in read_bytes(listing.read()):
            yield link.url, link.name
    except ListInvalid as error:
        raise click.UsageError(f"The list of links {error.detail}.") from error
