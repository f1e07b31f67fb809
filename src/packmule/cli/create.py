"""`packmule create`: ask a server for an archive.

Owns the words. Leaves the asking to `packmule.client`, the forms of a list to `listing.py`.
"""

from __future__ import annotations

import json
import secrets
from typing import IO, TYPE_CHECKING

import click

from packmule.cli import listing as lists
from packmule.cli import remote
from packmule.cli.durations import Duration
from packmule.cli.status_output import tell, worth

if TYPE_CHECKING:
    from packmule.cli.watching import Watch
    from packmule.client import Client, CreateOptions


@click.command()
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option("-i", "--input", "listing", type=click.File("r", encoding="utf-8"), help=lists.HELP)
@click.option("-n", "--name", help="The archive's file name at its download.")
@click.option(
    "--on-error", type=click.Choice(["fail", "skip"]),
    help="Where a file cannot be fetched: fail the job, or do without the file.  [default: fail]",
)  # fmt: skip
@click.option(
    "--on-html", type=click.Choice(["report", "fail"]),
    help="Where an HTML page comes although the file's name announces media: keep it and say so, "
    "or count the file as failed.  [default: report]",
)  # fmt: skip
@click.option(
    "--compression", type=click.Choice(["auto", "store", "deflate"]),
    help="Deflate what gains by it, nothing, or all that does not grow.  [default: auto]",
)  # fmt: skip
@click.option(
    "--expires-in", type=Duration(), help="Time until the archive is removed, like 12h or 3d."
)
@click.option("--priority", type=int, help="Jobs with a higher one begin first.  [default: 0]")
@click.option("--webhook-url", metavar="URL", help="Is told when the job has ended.")
@click.option(
    "--idempotency-key", metavar="KEY",
    help="The same key with the same request makes one job, however often it is sent.",
)  # fmt: skip
@click.option("-w", "--wait", is_flag=True, help="Wait until the job has ended, and tell how.")
@click.option("--timeout", type=Duration(), help="Wait no longer than this, like 90s or 2h.")
@remote.options
def create(
    *,
    urls: tuple[str, ...],
    listing: IO[str] | None,
    idempotency_key: str | None,
    wait: bool,
    timeout: float | None,
    server: str | None,
    quiet: bool,
    as_json: bool,
    **options: str | float | None,
) -> None:
    """Ask a server for an archive of links, and print its hash.

    \b
    Examples:
      packmule create https://example.org/a.png https://example.org/b.png
      packmule create -i urls.txt --name holiday.zip --on-error skip --wait
      grep -o 'https://[^"]*png' page.html | packmule create -
      packmule fetch "$(packmule create -i urls.csv)" -o out.zip

    Exit status: 0 the job was created, and with --wait completed; 1 it failed, a file is missing,
    or the server refused; 2 the command or a link cannot be used; 3 the server cannot be reached,
    or takes no more now; 4 the time is over, and the job goes on; 130 interrupted.
    """  # noqa: D301  # \b is click's mark of lines that stay as they are
    wanted = lists.gather(urls, listing)
    key = idempotency_key or secrets.token_urlsafe(24)
    asked: CreateOptions = {**options, "idempotency_key": key}  # type: ignore[typeddict-item]
    made: list[str] = []

    def go_on() -> str:
        if made:
            return f"The job goes on; ask with: packmule status --wait {made[0]}"
        return (
            "Whether the job was created is not known. The same command again with "
            f"--idempotency-key {key} makes no second one."
        )

    with remote.asking(server, quiet=quiet or as_json, go_on=go_on) as (client, watch):
        made.append(client.create(wanted, **asked))
        if not as_json:
            click.echo(made[0])
        elif not wait:
            click.echo(json.dumps({"archive_hash": made[0]}))
        code = ended(client, watch, made[0], timeout, as_json=as_json) if wait else 0
    raise SystemExit(code)


def ended(
    client: Client, watch: Watch, archive_hash: str, timeout: float | None, *, as_json: bool
) -> int:
    """Wait until a job has ended, tell how, and give the exit code."""
    status = client.wait(archive_hash, timeout=timeout, on_progress=watch.progress)
    tell(archive_hash, status, as_json=as_json)
    return worth(status)
