"""`packmule create`: create a job on a server.

Owns the command's options and output; the requests are those of `packmule.client`, the formats of
a list those of `listing.py`.
"""

from __future__ import annotations

import json
import secrets
from functools import partial
from typing import IO, TYPE_CHECKING

import click

from packmule.cli import listing as lists
from packmule.cli import output_options, remote
from packmule.cli.durations import Duration
from packmule.cli.sizes import Size
from packmule.cli.status_output import exit_code, print_status, print_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packmule.cli.listing import GivenLink
    from packmule.client import CreateOptions


@click.command(cls=output_options.ManifestCommand)
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option("-i", "--input", "listing", type=click.File("rb"), help=lists.HELP)
@click.option("-n", "--name", help="The file name of the download.")
@click.option(
    "--on-error", type=click.Choice(["fail", "skip"]),
    help="If a file cannot be fetched: fail the job, or leave out the file.  [default: fail]",
)  # fmt: skip
@click.option(
    "--on-html", type=click.Choice(["report", "fail"]),
    help="If a web page arrives instead of a file: keep it and report it, or fail the file. "
    " [default: report]",
)  # fmt: skip
@click.option(
    "--compression", type=click.Choice(["auto", "store", "deflate"]),
    help="auto: compress only what shrinks well; store: compress nothing; deflate: compress "
    "everything that shrinks.  [default: auto]",
)  # fmt: skip
@output_options.manifest
@click.option(
    "--max-part-size", "max_part_bytes", type=Size(),
    help="Split the archive into ZIP archives of whole files, each at most this large, like 2GB.",
)  # fmt: skip
@click.option(
    "--expires-in", type=Duration(), help="Remove the archive after this time, like 12h or 3d."
)
@click.option("--priority", type=int, help="Jobs with a higher priority start first.  [default: 0]")
@click.option("--webhook-url", metavar="URL", help="Webhook to call when the job has ended.")
@click.option(
    "--idempotency-key", metavar="KEY",
    help="Requests with the same key create only one job.",
)  # fmt: skip
@click.option(
    "-w", "--wait", is_flag=True, help="Wait until the job has ended, and show the result."
)
@click.option("--timeout", type=Duration(), help="Wait at most this long, like 90s or 2h.")
@remote.options
def create(
    *,
    urls: tuple[str, ...],
    listing: IO[bytes] | None,
    manifest: str,
    idempotency_key: str | None,
    wait: bool,
    timeout: float | None,
    server: str | None,
    quiet: bool,
    as_json: bool,
    **options: str | float | None,
) -> None:
    """Create an archive of links on a server, and print its hash.

    \b
    Examples:
      packmule create https://example.org/a.png https://example.org/b.png
      packmule create -i urls.txt --name holiday.zip --on-error skip --wait
      grep -o 'https://[^"]*png' page.html | packmule create -
      packmule fetch "$(packmule create -i urls.csv)" -o out.zip

    Exit status: 0 created, and with --wait completed; 1 it failed, a file is missing, or the
    server refused; 2 invalid command or link; 3 cannot reach the server, or it is too busy; 4
    timed out, the job goes on; 130 interrupted.
    """  # noqa: D301  # \b is click's mark of lines that stay as they are
    wanted = lists.gather(urls, listing)
    if not (quiet or as_json) and (note := lists.note_duplicates(wanted)) is not None:
        click.echo(note, err=True)
    key = idempotency_key or secrets.token_urlsafe(24)
    asked: CreateOptions = {**options, "idempotency_key": key}  # type: ignore[typeddict-item]
    if manifest != "none":
        asked["manifest"] = "bagit" if manifest == "bagit" else True
    if not (quiet or as_json):
        asked["on_warnings"] = print_warnings
    made: list[str] = []

    def go_on() -> str:
        if made:
            return f"The job goes on. Follow it with: packmule status --wait {made[0]}"
        return (
            "The job may have been created. To be sure without creating a second one, run the same "
            f"command with --idempotency-key {key}."
        )

    with remote.connect(
        server, quiet=quiet or as_json, go_on=go_on, where=partial(_part_of_command, wanted)
    ) as (client, reporter):
        made.append(client.create(lists.items(wanted), **asked))
        if not as_json:
            click.echo(made[0])
        elif not wait:
            click.echo(json.dumps({"archive_hash": made[0]}))
        if not wait:
            return
        status = client.wait(made[0], timeout=timeout, on_progress=reporter.progress)
    print_status(made[0], status, as_json=as_json)
    raise SystemExit(exit_code(status))


def _part_of_command(links: Sequence[GivenLink], pointer: str) -> str:
    """Return what of the command a JSON pointer of the request means (RFC 6901)."""
    name, _, rest = pointer.removeprefix("/").partition("/")
    number = rest.partition("/")[0]
    if name == "urls" and number.isdecimal() and int(number) < len(links):
        return links[int(number)].label
    if name == "max_part_bytes":
        return "--max-part-size"
    return "links" if name == "urls" else f"--{name.replace('_', '-')}"
