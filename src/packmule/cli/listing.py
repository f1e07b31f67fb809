"""The links that a command is given: its arguments, a file or standard input.

Owns their order, where each of them stands, and the errors of a list, which name file and line.
Leaves the forms of a list to `outbound.link_list`, and judging a link to `outbound.urls`.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, NamedTuple

import click

from packmule.cli.display_url import display_url
from packmule.cli.tables import harmless, number
from packmule.errors import FailureCode, UsageError
from packmule.jobs.expected import expected
from packmule.jobs.sources import Sources
from packmule.jobs.storable_text import why_unstorable
from packmule.outbound import urls as url_parser
from packmule.outbound.link_list import ListInvalid, read_bytes
from packmule.outbound.share_links import rewritten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packmule.client.values import Link
    from packmule.jobs.expected import Expected
    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.link_list import ListedLink

HELP = (
    "A file with one link per line, or - for standard input. A tab and the file's name in the "
    "archive may follow a link. Lines starting with # are ignored. Or a CSV file with a column url "
    "and optionally name, sha256, md5 and size. Or JSON: an array of links, or one value per line."
)
MAX_FAULTS = 50


class GivenLink(NamedTuple):
    """A link and the file's name if one was given; `place` is where it stands, '' for arguments.

    `expected` is what the list says of the file.
    """

    url: str
    name: str | None
    place: str
    expected: Expected | None = None

    @property
    def label(self) -> str:
        """The link for a message: its place, as `links.txt:4`, and its URL without the query."""
        shown = display_url(self.url)
        return f"{self.place}: {shown}" if self.place else shown


def gather(urls: Sequence[str], listing: IO[bytes] | None) -> list[GivenLink]:
    """Collect links: those of the command line, then of the list.

    A dash among the links stands for a list on standard input. Raises click.UsageError, UsageError.
    """
    wanted: list[GivenLink] = []
    for url in urls:
        if url == "-":
            wanted += _read(click.open_file("-", "rb"))
        elif "://" not in url and os.path.isfile(url):  # noqa: PTH113  # any text is an argument
            shown = harmless(url)
            raise UsageError(f"{shown} is a file, not a link. Did you mean -i {shown}?")
        else:
            wanted.append(GivenLink(url, None, ""))
    if listing is not None:
        wanted += _read(listing)
    if not wanted:
        raise click.UsageError("No links given. Pass links, or a list of them with -i.")
    return wanted


def sources(links: Iterable[GivenLink]) -> Sources:
    """Return the links as a job takes them."""
    return Sources((link.url, link.name, link.expected) for link in links)


def items(links: Iterable[GivenLink]) -> list[Link]:
    """Return the links as the client takes them."""
    return [_item(link) for link in links]


def _item(link: GivenLink) -> Link:
    if link.expected is None:
        return link.url, link.name
    given = {"url": link.url, "name": link.name, **link.expected._asdict()}
    return {name: value for name, value in given.items() if value is not None}


def check(
    links: Sequence[GivenLink], rules: AddressRules, max_length: int, rewrites: frozenset[str]
) -> None:
    """Check every link before the first is fetched. Raises UsageError, which lists the bad ones."""
    refusals = url_parser.Refusals(rules)
    faults = ((link, _fault(link, refusals, max_length, rewrites)) for link in links)
    bad = [(link, fault) for link, fault in faults if fault is not None]
    if bad:
        are = "is" if len(bad) == 1 else "are"
        summary = (
            f"{len(bad):,} of {number(len(links), 'link')} {are} invalid. Nothing was fetched."
        )
        told = [f"{link.label}: {fault}" for link, fault in bad[:MAX_FAULTS]]
        rest = more(len(bad) - MAX_FAULTS)
        raise UsageError("\n".join([summary, *told, *rest, *_advice(fault for _, fault in bad)]))


def _advice(faults: Iterable[str]) -> list[str]:
    """Return what to do about links into a network that is not public, if there are any."""
    if not any(FailureCode.ADDRESS_NOT_ALLOWED in fault for fault in faults):
        return []
    return ["To fetch from your own network, allow it: --allow-networks 10.1.0.0/16"]


def more(count: int) -> list[str]:
    """Return the line that ends a list of errors of which `count` are left out, if any."""
    return [f"… and {count:,} more."] if count > 0 else []


def note_duplicates(links: Sequence[GivenLink]) -> str | None:
    """Return a note about links that are listed more than once under one name; None if none is."""
    first: dict[tuple[str, str | None], GivenLink] = {}
    again = [link for link in links if first.setdefault(link[:2], link) is not link]
    if not again:
        return None
    example, before = again[0], first[again[0][:2]]
    where = f", also at {before.place}" if before.place and before.place != example.place else ""
    return (
        f"Note: {number(len(again), 'link')} listed more than once: {example.label}{where}. Each "
        "one is packed, under a name of its own."
    )


def _fault(
    link: GivenLink, refusals: url_parser.Refusals, max_length: int, rewrites: frozenset[str]
) -> str | None:
    if link.name is not None and (unfit := why_unstorable(link.name)) is not None:
        return _with_code(f"the name {unfit}", FailureCode.NAME_INVALID)
    try:
        url = url_parser.parse(rewritten(link.url, rewrites), max_length=max_length)
    except url_parser.UrlInvalid as error:
        return _with_code(error.detail, FailureCode.URL_INVALID)
    refused = refusals.of(url)
    return None if refused is None else _with_code(refused[1], refused[0])


def _with_code(detail: str, code: FailureCode) -> str:
    return f"{detail} [{code.value}]"


def _expected(link: ListedLink, place: str) -> Expected | None:
    try:
        return expected(link.sha256, link.md5, link.size)
    except UsageError as error:
        raise UsageError(f"{place}: {error}.") from error


def _read(listing: IO[bytes]) -> Iterator[GivenLink]:
    file = getattr(listing, "name", "-")  # a stream of bytes in memory has none
    name = "stdin" if file in {"<stdin>", "-"} else harmless(file)
    try:
        for link in read_bytes(listing.read()):
            place = f"{name}:{link.line}" if link.unit == "line" else f"{name}, item {link.line}"
            yield GivenLink(link.url, link.name, place, _expected(link, place))
    except ListInvalid as error:
        raise UsageError(f"{name}: the list {error.detail}.") from error
