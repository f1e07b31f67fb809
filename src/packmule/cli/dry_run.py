"""`packmule pack --dry-run`: what would be packed, and which links are dead.

Owns the output; the requests are those of `assembly.probing`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from packmule.cli.pack_output import print_warning
from packmule.cli.tables import harmless, number
from packmule.errors import WARNING_DETAILS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packmule.assembly.probing import Probed
    from packmule.cli.listing import GivenLink

_WIDTH = 18  # a terabyte with its commas


def report(
    found: Iterable[Probed], links: Sequence[GivenLink], *, quiet: bool, as_json: bool
) -> tuple[int, int]:
    """Print each file as it is found, then the total; return how many were found and are dead."""
    seen: list[Probed] = []
    for one in found:
        seen.append(one)
        if not as_json:
            _print(one, links[one.position], quiet=quiet)
    dead = sum(one.failure is not None for one in seen)
    if as_json:
        click.echo(json.dumps(_record(seen, links)))
    elif not quiet:
        click.echo(_total(seen, dead), err=True)
    return len(seen), dead


def _print(one: Probed, link: GivenLink, *, quiet: bool) -> None:
    if one.failure is not None:
        click.echo(f"{link.label}: {one.failure.detail} [{one.failure.code}]", err=True)
        return
    size = "?" if one.size is None else f"{one.size:,}"
    click.echo(f"{size:>{_WIDTH}}  {harmless(one.name)}")
    if one.warning is not None and not quiet:
        print_warning(link, one.warning)


def _total(seen: Sequence[Probed], dead: int) -> str:
    sizes = [one.size for one in seen if one.failure is None]
    known = [size for size in sizes if size is not None]
    text = f"{number(len(sizes), 'file')}, {sum(known):,} bytes"
    if len(known) < len(sizes):
        text += f" and {number(len(sizes) - len(known), 'file')} of unknown size"
    if dead:
        text += f"; {number(dead, 'dead link')}"
    return f"{text}. Nothing was packed."


def _record(seen: Sequence[Probed], links: Sequence[GivenLink]) -> dict[str, Any]:
    return {
        "files": [_file(one, links[one.position]) for one in seen if one.failure is None],
        "size": sum(one.size or 0 for one in seen),
        "failures": [
            {
                "url": links[one.position].url,
                "code": one.failure.code,
                "detail": one.failure.detail,
            }
            for one in seen
            if one.failure is not None
        ],
    }


def _file(one: Probed, link: GivenLink) -> dict[str, Any]:
    record = {"url": link.url, "name": one.name, "size": one.size}
    if one.warning is not None:
        record |= {"warning": one.warning, "detail": WARNING_DETAILS[one.warning]}
    return record
