"""`packmule status`, `cancel`, `retry` and `delete`: one job of a server.

Owns the words. Leaves the asking to `packmule.client`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from packmule.cli import remote
from packmule.cli.create import ended
from packmule.cli.durations import Duration
from packmule.cli.status_output import tell, worth

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@remote.hash_argument
@click.option("-w", "--wait", is_flag=True, help="Wait until the job has ended.")
@click.option("--timeout", type=Duration(), help="Wait no longer than this, like 90s or 2h.")
@remote.options
def status(
    *, archive_hash: str, wait: bool, timeout: float | None, server: str | None, quiet: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Tell how far a job is, where its archive is, or what failed and why.

    \b
    Examples:
      packmule status 0123456789abcdef0123456789abcdef
      packmule status --wait --json 0123456789abcdef0123456789abcdef

    Exit status: 0 the archive is there, or the job in progress; 1 the job failed, was cancelled or
    has expired, a file is missing, or the server knows no such job; 2 the command was not
    understood; 3 the server cannot be reached; 4 the time is over, and the job goes on; 130
    interrupted.
    """  # noqa: D301

    def go_on() -> str:
        return "Nothing was changed; type the same command again to ask again."

    with remote.asking(server, quiet=quiet or as_json, go_on=go_on) as (client, watch):
        if wait:
            code = ended(client, watch, archive_hash, timeout, as_json=as_json)
        else:
            found = client.status(archive_hash)
            tell(archive_hash, found, as_json=as_json)
            code = worth(found)
    raise SystemExit(code)


@click.command()
@remote.hash_argument
@remote.options
def cancel(*, archive_hash: str, server: str | None, quiet: bool, as_json: bool) -> None:
    """Cancel a job that is in progress; once cancelled, again changes nothing.

    Exit status: 0 it is cancelled; 1 it had ended, or is not yours; 2 the command was not
    understood; 3 the server cannot be reached; 130 interrupted.
    """
    with remote.asking(server, quiet=quiet, go_on=_unsure(archive_hash)) as (client, _):
        tell(archive_hash, client.cancel(archive_hash), as_json=as_json)


@click.command()
@remote.hash_argument
@click.option(
    "--on-error", type=click.Choice(["fail", "skip"]),
    help="With skip: complete it without what fails again.  [default: as it was asked for]",
)  # fmt: skip
@click.option("-w", "--wait", is_flag=True, help="Wait until the job has ended.")
@click.option("--timeout", type=Duration(), help="Wait no longer than this, like 90s or 2h.")
@remote.options
def retry(
    *, archive_hash: str, on_error: str | None, wait: bool, timeout: float | None,
    server: str | None, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Try a failed job again; it keeps what it has, and fetches only what failed.

    \b
    Example:
      packmule retry --on-error skip --wait 0123456789abcdef0123456789abcdef

    Exit status: 0 it is in progress, or with --wait completed; 1 it failed again, a file is
    missing, or it had not failed; 2 the command was not understood; 3 the server cannot be
    reached; 4 the time is over, and the job goes on; 130 interrupted.
    """  # noqa: D301
    go_on = _unsure(archive_hash)
    with remote.asking(server, quiet=quiet or as_json, go_on=go_on) as (client, watch):
        found = client.retry(archive_hash, on_error=on_error)
        if wait:
            code = ended(client, watch, archive_hash, timeout, as_json=as_json)
        else:
            tell(archive_hash, found, as_json=as_json)
            code = 0
    raise SystemExit(code)


@click.command()
@remote.hash_argument
@remote.options
def delete(*, archive_hash: str, server: str | None, quiet: bool, as_json: bool) -> None:
    """Cancel a job where it is in progress, and remove its archive.

    Exit status: 0 it is removed; 1 there is none of that hash, or it is not yours; 2 the command
    was not understood; 3 the server cannot be reached; 130 interrupted.
    """
    with remote.asking(server, quiet=quiet, go_on=_unsure(archive_hash)) as (client, _):
        client.delete(archive_hash)
        if as_json:
            click.echo(json.dumps({"archive_hash": archive_hash, "deleted": True}))
        elif not quiet:
            click.echo("deleted")


def _unsure(archive_hash: str) -> Callable[[], str]:
    return lambda: f"What became of it tells: packmule status {archive_hash}"
