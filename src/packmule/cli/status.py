"""`packmule status`, `cancel`, `retry`, `finish` and `delete`: one job of a server.

Owns the commands' options and output; the requests are those of `packmule.client`.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Literal

import click

from packmule.cli import remote
from packmule.cli.archive_hash import hash_argument
from packmule.cli.durations import Duration
from packmule.cli.new_links import NewLink, read_new_links
from packmule.cli.status_output import exit_code, print_status

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@hash_argument
@click.option("-w", "--wait", is_flag=True, help="Wait until the job has ended.")
@click.option("--timeout", type=Duration(), help="Wait at most this long, like 90s or 2h.")
@remote.options
def status(
    *, archive_hash: str, wait: bool, timeout: float | None, server: str | None, quiet: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Show a job's progress, the link to its archive, or what failed and why.

    \b
    Examples:
      packmule status 0123456789abcdef0123456789abcdef
      packmule status --wait --json 0123456789abcdef0123456789abcdef

    Exit status: 0 completed or in progress; 1 failed, cancelled or expired, a file is missing, or
    there is no such job; 2 invalid command; 3 cannot reach the server; 4 timed out, the job goes
    on; 130 interrupted.
    """  # noqa: D301

    def go_on() -> str:
        return "Nothing was changed. Run the same command to check again."

    with remote.connect(server, quiet=quiet or as_json, go_on=go_on) as (client, reporter):
        if wait:
            found = client.wait(archive_hash, timeout=timeout, on_progress=reporter.progress)
        else:
            found = client.status(archive_hash)
    print_status(archive_hash, found, as_json=as_json)
    raise SystemExit(exit_code(found))


@click.command()
@hash_argument
@remote.options
def cancel(*, archive_hash: str, server: str | None, quiet: bool, as_json: bool) -> None:
    """Cancel a job in progress. Cancelling it again changes nothing.

    Exit status: 0 cancelled; 1 it has already ended, or is not yours; 2 invalid command; 3 cannot
    reach the server; 130 interrupted.
    """
    with remote.connect(server, quiet=quiet, go_on=_check_later(archive_hash)) as (client, _):
        found = client.cancel(archive_hash)
    print_status(archive_hash, found, as_json=as_json)


@click.command()
@hash_argument
@click.option(
    "--on-error", type=click.Choice(["fail", "skip"]),
    help="skip: leave out the files that fail again.  [default: as the job was created]",
)  # fmt: skip
@click.option(
    "--url", "renewed", type=NewLink(), multiple=True, metavar="N=URL",
    help="A new link for file N, as numbered in the status, from 0. May be repeated.",
)  # fmt: skip
@click.option(
    "-i", "--input", "listing", type=click.File("r"),
    help="A file of such lines, N=URL; - is standard input.",
)  # fmt: skip
@click.option(
    "--position", "positions", type=click.IntRange(min=0), multiple=True, metavar="N",
    help="Try only file N, and those with a new link. May be repeated.  [default: all failed]",
)  # fmt: skip
@click.option("-w", "--wait", is_flag=True, help="Wait until the job has ended.")
@click.option("--timeout", type=Duration(), help="Wait at most this long, like 90s or 2h.")
@remote.options
def retry(
    *, archive_hash: str, on_error: Literal["fail", "skip"] | None,
    renewed: tuple[tuple[int, str], ...], listing: IO[str] | None, positions: tuple[int, ...],
    wait: bool, timeout: float | None, server: str | None, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Retry a failed job. It keeps the files it has, and fetches only those that failed.

    A file whose link has expired goes on under a new one where it was, if both links lead to the
    same version.

    \b
    Examples:
      packmule retry --on-error skip --wait 0123456789abcdef0123456789abcdef
      packmule retry --url 3=https://example.org/c.png 0123456789abcdef0123456789abcdef

    Exit status: 0 in progress, or with --wait completed; 1 it failed again, a file is missing, or
    it had not failed; 2 invalid command; 3 cannot reach the server; 4 timed out, the job goes on;
    130 interrupted.
    """  # noqa: D301
    urls = dict(renewed) | ({} if listing is None else read_new_links(listing))
    go_on = _check_later(archive_hash)
    with remote.connect(server, quiet=quiet or as_json, go_on=go_on) as (client, reporter):
        found = client.retry(
            archive_hash, on_error=on_error, positions=positions or None, urls=urls or None
        )
        if wait:
            found = client.wait(archive_hash, timeout=timeout, on_progress=reporter.progress)
    print_status(archive_hash, found, as_json=as_json)
    raise SystemExit(exit_code(found) if wait else 0)


@click.command()
@hash_argument
@click.option("-w", "--wait", is_flag=True, help="Wait until the archive is ready.")
@click.option("--timeout", type=Duration(), help="Wait at most this long, like 90s or 2h.")
@remote.options
def finish(
    *, archive_hash: str, wait: bool, timeout: float | None, server: str | None, quiet: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Complete a job now, with the files that are packed. Nothing more is fetched.

    \b
    Example:
      packmule finish --wait 0123456789abcdef0123456789abcdef

    Exit status: 0 in progress, or completed with every file; 1 a file is missing, no file is packed
    yet, or the job is cancelled; 2 invalid command; 3 cannot reach the server; 4 timed out, the job
    goes on; 130 interrupted.
    """  # noqa: D301
    go_on = _check_later(archive_hash)
    with remote.connect(server, quiet=quiet or as_json, go_on=go_on) as (client, reporter):
        found = client.finish(archive_hash)
        if wait:
            found = client.wait(archive_hash, timeout=timeout, on_progress=reporter.progress)
    print_status(archive_hash, found, as_json=as_json)
    raise SystemExit(exit_code(found))


@click.command()
@hash_argument
@remote.options
def delete(*, archive_hash: str, server: str | None, quiet: bool, as_json: bool) -> None:
    """Remove an archive, and cancel its job if that is in progress.

    Exit status: 0 removed; 1 there is no such job, or it is not yours; 2 invalid command; 3 cannot
    reach the server; 130 interrupted.
    """
    with remote.connect(server, quiet=quiet, go_on=_check_later(archive_hash)) as (client, _):
        client.delete(archive_hash)
        if as_json:
            click.echo(json.dumps({"archive_hash": archive_hash, "deleted": True}))
        elif not quiet:
            click.echo("deleted")


def _check_later(archive_hash: str) -> Callable[[], str]:
    return lambda: f"Check the result with: packmule status {archive_hash}"
