"""A job's status on the command line: as text or JSON, and as an exit code.

Results go to standard output; the files that failed, and why, to the error stream.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from packmule.cli import exits
from packmule.cli.display_url import display_url
from packmule.cli.tables import harmless, number, writing_output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from packmule.client import FileFailure, FileWarning, Status
    from packmule.client.values import JobProgress

_MAX_FAILURES = 50


def print_status(archive_hash: str, status: Status, *, as_json: bool) -> None:
    """Print a status, as text or as one line of JSON."""
    with writing_output():
        _print_status(archive_hash, status, as_json=as_json)


def _print_status(archive_hash: str, status: Status, *, as_json: bool) -> None:
    from packmule.client import Completed, Failed  # noqa: PLC0415 - slow to import

    if as_json:
        click.echo(json.dumps({"archive_hash": archive_hash, **status.document}))
        return
    if isinstance(status, Failed):
        print_failures(status.failures)
    elif isinstance(status, Completed):
        print_failures(status.missing)
        print_warnings(status.warnings)
    click.echo(as_text(status))


def as_text(status: Status) -> str:
    """Return a status as text: a line, and below it the links to the archive or its parts."""
    from packmule.client import Completed, Failed, InProgress  # noqa: PLC0415

    match status:
        case InProgress(progress):
            return f"in progress: {_progress(progress)}{_retrying(status.document)}"
        case Completed(size=size, expires_at=until, missing=missing):
            urls = [part.url for part in status.parts] or [status.url]
            parts = f" in {len(urls):,} parts" if len(urls) > 1 else ""
            without = f" without {number(len(missing), 'file')}" if missing else ""
            head = f"completed{parts}{without}: {size:,} bytes, expires {until:%Y-%m-%d %H:%M} UTC"
            return "\n".join([head, *map(harmless, urls)])
        case Failed(code=code, detail=detail):
            return harmless(f"failed: {detail} [{code}]")
        case _:
            return status.status


def _retrying(document: Mapping[str, Any]) -> str:
    """Return the next file to be tried again, in words, and how many more there are."""
    waiting = document.get("retrying") or []
    if not waiting:
        return ""
    first, more = waiting[0], len(waiting) - 1
    others = f" (and {number(more, 'more file')})" if more else ""
    at = harmless(str(first.get("next_attempt_at")))
    return f"\nretrying at {at}: {harmless(str(first.get('detail')))}{others}"


def _progress(now: JobProgress) -> str:
    done = now.files_done + now.files_failed
    of = "" if now.bytes_total is None else f" of {now.bytes_total:,}"
    left = "" if now.eta_seconds is None else f", about {now.eta_seconds:.0f} s left"
    return f"{done:,} of {number(now.files_total, 'file')}, {now.bytes_done:,}{of} bytes{left}"


def print_failures(failures: Sequence[FileFailure]) -> None:
    """Print the first of the files that could not be fetched, with the reasons."""
    for one in failures[:_MAX_FAILURES]:
        click.echo(
            f"{display_url(one.url)}: {harmless(one.detail)} [{harmless(one.code)}]", err=True
        )
    if len(failures) > _MAX_FAILURES:
        more = len(failures) - _MAX_FAILURES
        click.echo(f"… and {more:,} more; use --json to see all.", err=True)


def print_warnings(warnings: Sequence[FileWarning]) -> None:
    """Print the first of the files in whose place something else was packed."""
    for one in warnings[:_MAX_FAILURES]:
        where, detail, code = display_url(one.url), harmless(one.detail), harmless(one.code)
        click.echo(f"Warning: {where}: {detail} [{code}]", err=True)
    if len(warnings) > _MAX_FAILURES:
        more = len(warnings) - _MAX_FAILURES
        click.echo(f"… and {more:,} more; use --json to see all.", err=True)


def exit_code(status: Status) -> int:
    """Return the exit code of a status: 0 as long as nothing has failed."""
    from packmule.client import Completed, InProgress  # noqa: PLC0415

    match status:
        case InProgress() | Completed(missing=()):
            return 0
        case _:
            return exits.FAILED
