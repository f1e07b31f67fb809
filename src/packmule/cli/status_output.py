"""How a job's status is told: in words, or as the document it came as; and what it is worth.

Owns the words. Results go to standard output; which files failed, and why, to the error stream.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from packmule.cli import exits
from packmule.cli.display_url import display_url
from packmule.cli.tables import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packmule.client import FileFailure, Status
    from packmule.client.values import Progress

_TOLD = 50


def tell(archive_hash: str, status: Status, *, as_json: bool) -> None:
    """Tell a status."""
    from packmule.client import Completed, Failed  # noqa: PLC0415 - slow to import

    if as_json:
        click.echo(json.dumps({"archive_hash": archive_hash, **status.document}))
        return
    if isinstance(status, Failed):
        tell_failures(status.failures)
    elif isinstance(status, Completed):
        tell_failures(status.missing)
    click.echo(in_words(status))


def in_words(status: Status) -> str:
    """Say how a job is, in a line or two."""
    from packmule.client import Completed, Failed, InProgress  # noqa: PLC0415

    match status:
        case InProgress(progress):
            return f"in progress: {_progress(progress)}"
        case Completed(url=url, size=size, expires_at=until, missing=missing):
            without = f" without {len(missing):,} files" if missing else ""
            head = f"completed{without}: {size:,} bytes, until {until:%Y-%m-%d %H:%M} UTC"
            return f"{head}\n{harmless(url)}"
        case Failed(code=code, detail=detail):
            return harmless(f"failed: {detail} [{code}]")
        case _:
            return status.status


def _progress(now: Progress) -> str:
    done = now.files_done + now.files_failed
    of = "" if now.bytes_total is None else f" of {now.bytes_total:,}"
    left = "" if now.eta_seconds is None else f", {now.eta_seconds:.0f} s left"
    return f"{done:,} of {now.files_total:,} files, {now.bytes_done:,}{of} bytes{left}"


def tell_failures(failures: Sequence[FileFailure]) -> None:
    """Name the files that could not be fetched, the first ones."""
    for one in failures[:_TOLD]:
        click.echo(
            f"{display_url(one.url)}: {harmless(one.detail)} [{harmless(one.code)}]", err=True
        )
    if len(failures) > _TOLD:
        more = len(failures) - _TOLD
        click.echo(f"… and {more:,} more; --json tells all of them.", err=True)


def worth(status: Status) -> int:
    """Give the exit code of a status: 0 as long as nothing has failed."""
    from packmule.client import Completed, InProgress  # noqa: PLC0415

    match status:
        case InProgress() | Completed(missing=()):
            return 0
        case _:
            return exits.FAILED
