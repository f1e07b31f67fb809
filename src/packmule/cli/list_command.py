"""`packmule list`: your archives on a server, or the files in a public bucket.

Owns the command's options, and the output for archives. The requests to a server are those of
`packmule.client`; buckets are listed by `list_bucket.py`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal

import click
from click.core import ParameterSource

from packmule.cli import remote
from packmule.cli.setting_options import allow_network, setting_option
from packmule.cli.tables import instant, show_rows
from packmule.errors import UsageError

if TYPE_CHECKING:
    from packmule.client import Archive

_COLUMNS = ("archive_hash", "status", "created_at", "bytes", "expires_at", "name")
_FOR_ARCHIVES = frozenset({"state", "server"})
_FOR_BUCKETS = frozenset({"quiet", "networks", "egress_proxy"})
_HASH = re.compile(r"[0-9a-f]{32}")


@click.command("list")
@click.argument("place", metavar="[BUCKET]", required=False)
@click.option(
    "--state", type=click.Choice(["in-progress", "completed", "failed", "cancelled", "expired"]),
    help="Only archives with this status.",
)  # fmt: skip
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line, with all fields."
)
@remote.server_option
@click.option("-q", "--quiet", is_flag=True, help="For a bucket: do not print the total.")
@allow_network
@setting_option(
    "egress_proxy", "--proxy", metavar="URL",
    help_="For a bucket: HTTP(S) or SOCKS5 proxy to use, like http://proxy.example.org:3128.",
)  # fmt: skip
@click.pass_context
def list_(
    ctx: click.Context, /, *, place: str | None, as_json: bool, quiet: bool, server: str | None,
    state: Literal["in-progress", "completed", "failed", "cancelled", "expired"] | None,
    networks: tuple[str, ...], **options: str | None,
) -> None:  # fmt: skip
    """List your archives on a server, or the files in a public bucket.

    Without BUCKET: the archives that were created with your API key, the newest first.

    With BUCKET: its files, as links with names and sizes. BUCKET is s3://bucket/prefix,
    gs://bucket/prefix, or an https URL of an S3-style store: https://host/bucket/prefix or
    https://bucket.host/?prefix=prefix. `pack` and `create` accept the list, and keep the folders
    below the prefix. The bucket must allow everyone to list it.

    \b
    Examples:
      packmule list --state completed
      packmule list s3://bucket/2024/ > list.csv
      packmule pack -i list.csv -o 2024.zip
      packmule list gs://bucket/2024/ | packmule create -

    Exit status: 0 listed; 1 the server has no API keys or refused yours, the bucket cannot be
    listed, or is empty below the prefix; 2 invalid command; 3 cannot reach the server; 130
    interrupted.
    """  # noqa: D301
    if place is None:
        _refuse(ctx, _FOR_BUCKETS, "needs the name of a bucket")
        _list_archives(server, state, as_json=as_json)
        return
    _refuse(ctx, _FOR_ARCHIVES, "is only for a list of archives, without a bucket")
    if _HASH.fullmatch(place):
        raise UsageError(f"{place} is not a bucket. Did you mean packmule files {place}?")
    from packmule.cli.list_bucket import list_bucket  # noqa: PLC0415 - slow to import

    list_bucket(place, as_json=as_json, quiet=quiet, networks=networks, options=options)


def _refuse(ctx: click.Context, names: frozenset[str], why: str) -> None:
    """Raise UsageError if one of these options is in the command; a variable does no harm."""
    for param in ctx.command.params:
        given = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if param.name in names and given:
            raise UsageError(f"{param.opts[-1]} {why}.")


def _list_archives(
    server: str | None,
    state: Literal["in-progress", "completed", "failed", "cancelled", "expired"] | None,
    *,
    as_json: bool,
) -> None:
    def go_on() -> str:
        return "Nothing was changed."

    with remote.connect(server, quiet=True, go_on=go_on) as (client, _):
        found = client.list(state=state)
        if as_json:
            for each in found:
                click.echo(json.dumps(each.document))
        else:
            show_rows([_row(each) for each in found], _COLUMNS, as_json=False)


def _row(archive: Archive) -> dict[str, object]:
    return {
        "archive_hash": archive.archive_hash,
        "status": archive.status,
        "created_at": instant(archive.created_at),
        "bytes": None if archive.size is None else f"{archive.size:,}",
        "expires_at": instant(archive.expires_at),
        "name": archive.name,
    }
