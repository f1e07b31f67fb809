"""`packmule files`: the files of one job on a server.

Owns the command's options and output; the requests are those of `packmule.client`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import click

from packmule.cli import output_options, remote
from packmule.cli.archive_hash import hash_argument
from packmule.cli.display_url import display_url
from packmule.cli.tables import show_rows

if TYPE_CHECKING:
    from packmule.client import File

_COLUMNS = ("position", "state", "bytes", "name", "link", "detail")


@click.command()
@hash_argument
@click.option(
    "--state", type=click.Choice(["pending", "open", "done", "failed"]),
    help="Only files in this state.",
)  # fmt: skip
@output_options.json_lines
@remote.server_option
def files(
    *, archive_hash: str, state: Literal["pending", "open", "done", "failed"] | None,
    as_json: bool, server: str | None,
) -> None:  # fmt: skip
    """List a job's files: their state, size and name, and why one failed.

    Links are shown without their query.

    \b
    Examples:
      packmule files 0123456789abcdef0123456789abcdef
      packmule files --state failed --json 0123456789abcdef0123456789abcdef

    Exit status: 0 listed; 1 there is no such job; 2 invalid command; 3 cannot reach the server;
    130 interrupted.
    """  # noqa: D301

    def go_on() -> str:
        return "Nothing was changed."

    with remote.connect(server, quiet=True, go_on=go_on) as (client, _):
        found = client.files(archive_hash, state=state)
        if as_json:
            for each in found:
                click.echo(json.dumps(each.document))
        else:
            show_rows([_row(each) for each in found], _COLUMNS, as_json=False)


def _row(file: File) -> dict[str, object]:
    size = file.bytes_done if file.bytes_total is None else file.bytes_total
    return {
        "position": file.position,
        "state": file.state,
        "bytes": f"{size:,}",
        "name": file.name,
        "link": display_url(file.url),
        "detail": _detail(file),
    }


def _detail(file: File) -> str:
    if file.failure is not None:
        return f"{file.failure.detail} [{file.failure.code}]"
    return "" if file.warning is None else f"warning [{file.warning}]"
