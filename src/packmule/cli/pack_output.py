"""What `packmule pack` prints: the result, and for which links it has something to say.

Owns the form of text and JSON. Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from packmule.cli.display_url import display_url
from packmule.cli.tables import number
from packmule.errors import WARNING_DETAILS, WarningCode
from packmule.outbound.share_links import rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from packmule.assembly.pack import Packed
    from packmule.cli.listing import GivenLink

_MAX_LINES = 50


def print_rewritten(links: Sequence[GivenLink], rules: frozenset[str]) -> None:
    """Print which share links were rewritten."""
    found = [(link, new) for link in links if (new := rewrite(link.url, rules)) is not None]
    for link, new in found[:_MAX_LINES]:
        click.echo(
            f"Note: {link.label}: fetched from {display_url(new.url)} (rule {new.rule})", err=True
        )


def print_result(
    packed: Packed, links: Sequence[GivenLink], out: Path, *, quiet: bool, as_json: bool
) -> None:
    """Print how packing ended."""
    if as_json:
        click.echo(json.dumps(_record(packed, links, out)))
        return
    for one in packed.failed[:_MAX_LINES]:
        where, failure = links[one.position].label, one.failure
        click.echo(f"{where}: {failure.detail} [{failure.code}]", err=True)
    for position, code in () if quiet else packed.warnings[:_MAX_LINES]:
        print_warning(links[position], code)
    if len(packed.failed) > _MAX_LINES:
        left = len(packed.failed) - _MAX_LINES
        click.echo(f"… and {left:,} more; use --json to see all.", err=True)
    if packed.stopped:
        click.echo("Interrupted. Run the same command to resume.", err=True)
    elif packed.size is None:
        click.echo(
            f"Error: No archive was created: {len(packed.failed):,} of "
            f"{number(len(links), 'file')} could not be fetched. Run the same command to retry "
            "them, or add --on-error skip to leave them out.",
            err=True,
        )
    elif not quiet:
        kept = f", {packed.resumed:,} of them resumed" if packed.resumed else ""
        click.echo(f"{out}: {number(packed.files, 'file')}{kept}, {packed.size:,} bytes", err=True)


def print_warning(link: GivenLink, code: WarningCode) -> None:
    """Print that something else came in a file's place."""
    click.echo(f"Warning: {link.label}: {WARNING_DETAILS[code]} [{code}]", err=True)


def _record(packed: Packed, links: Sequence[GivenLink], out: Path) -> dict[str, Any]:
    return {
        "archive": str(out) if packed.size is not None else None,
        "size": packed.size,
        "files": packed.files,
        "resumed": packed.resumed,
        "failures": [
            {
                "url": links[one.position].url,
                "code": one.failure.code,
                "detail": one.failure.detail,
            }
            for one in packed.failed
        ],
        "html_pages": [
            links[position].url
            for position, code in packed.warnings
            if code is WarningCode.HTML_PAGE
        ],
        "warnings": [
            {
                "position": position,
                "url": links[position].url,
                "code": code,
                "detail": WARNING_DETAILS[code],
            }
            for position, code in packed.warnings
        ],
    }
