"""`packmule pack`: links into one archive, here and now, without a server.

Owns the words and the progress on the terminal. Leaves the work to `assembly.pack`. Imports only
what this one command needs, so that a small archive is not outlasted by its preparation.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from packmule import settings as settings_module
from packmule.cli import exits
from packmule.cli import listing as lists
from packmule.cli.display_url import display_url
from packmule.errors import HTML_PAGE_DETAIL, PackmuleError, UsageError
from packmule.jobs.model import Compression, OnError, OnHtml, Source, check_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from packmule.assembly.pack import Packed
    from packmule.jobs.model import Progress

_FAILURES_TOLD = 50
_DEFAULTS = {setting.field: setting.shown_default for setting in settings_module.TABLE}


@click.command()
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option("-i", "--input", "listing", type=click.File("r", encoding="utf-8"), help=lists.HELP)
@click.option(
    "-o", "--output", "out", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="The archive to make.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace an archive that is there already.")
@click.option(
    "--on-error", type=click.Choice(["fail", "skip"]), default="fail", show_default=True,
    help="Where a file cannot be fetched: make no archive (and keep the rest for the next run), "
    "or make it without that file.",
)  # fmt: skip
@click.option(
    "--on-html", type=click.Choice(["report", "fail"]), default="report", show_default=True,
    help="Where an HTML page comes although the file's name announces media: keep it and say so, "
    "or count the file as failed.",
)  # fmt: skip
@click.option(
    "--compression", type=click.Choice(["auto", "store", "deflate"]), default="auto",
    show_default=True, help="Deflate what gains by it, nothing, or all that does not grow.",
)  # fmt: skip
@click.option(
    "--allow-network", "networks", multiple=True, metavar="CIDR",
    help="A network that may be reached although it is not public, like 127.0.0.0/8.",
)  # fmt: skip
@click.option(
    "--transfers", type=click.IntRange(1, 1024),
    help=f"Transfers at once.  [default: {_DEFAULTS['transfers']}]",
)  # fmt: skip
@click.option(
    "--transfers-per-host", type=click.IntRange(1, 1024),
    help=f"Transfers at once to one host.  [default: {_DEFAULTS['transfers_per_host']}]",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="No progress; only errors are told.")
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON line.")
def pack(
    *,
    urls: tuple[str, ...],
    listing: IO[str] | None,
    out: Path,
    force: bool,
    on_error: str,
    on_html: str,
    compression: str,
    networks: tuple[str, ...],
    transfers: int | None,
    transfers_per_host: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Fetch links into one ZIP archive, here and now, without a server.

    \b
    Examples:
      packmule pack https://example.org/a.png https://example.org/b.png -o two.zip
      packmule pack -i urls.txt -o out.zip --on-error skip
      grep -o 'https://[^"]*png' page.html | packmule pack - -o pictures.zip

    Run it again after an interruption, whatever it was: it goes on where it was.

    Exit status: 0 the archive is made; 1 it is not, or a file could not be fetched; 2 the command
    was not understood; 130 interrupted, run it again to go on.
    """  # noqa: D301  # \b is click's mark of lines that stay as they are
    sources = read_sources(urls, listing)
    if out.exists() and not force:
        raise click.UsageError(f"{out} is there already; use --force to replace it.")
    environment = dict(os.environ)
    for name, value in (
        ("PACKMULE_ALLOW_NETWORKS", ",".join(networks)),
        ("PACKMULE_TRANSFERS", transfers),
        ("PACKMULE_TRANSFERS_PER_HOST", transfers_per_host),
    ):
        if value:
            environment[name] = str(value)
    try:
        packed = _pack(
            sources, out, environment, on_error=OnError(on_error), on_html=OnHtml(on_html),
            compression=Compression(compression), quiet=quiet or as_json,
        )  # fmt: skip
    except PackmuleError as error:
        raise click.ClickException(str(error)) from error
    _tell(packed, sources, out, quiet=quiet, as_json=as_json)
    if packed.stopped:
        raise SystemExit(exits.INTERRUPTED)
    if packed.failed:
        raise SystemExit(exits.FAILED)


def read_sources(urls: Sequence[str], listing: IO[str] | None) -> list[Source]:
    """Gather the links of the command line and of the list, in that order.

    Raises click.UsageError.
    """
    wanted = lists.gather(urls, listing)
    sources = [Source(position, url, name) for position, (url, name) in enumerate(wanted)]
    try:
        check_names(sources)
    except UsageError as error:
        raise click.UsageError(str(error)) from error
    return sources


def _pack(
    sources: list[Source],
    out: Path,
    environment: dict[str, str],
    *,
    on_error: OnError,
    on_html: OnHtml,
    compression: Compression,
    quiet: bool,
) -> Packed:
    from packmule.assembly.pack import pack as pack_archive  # noqa: PLC0415 - after the arguments
    from packmule.wiring.resources import open_resources  # noqa: PLC0415

    settings = settings_module.read(environment)
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent} to put the archive in.")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with open_resources(settings) as resources, _progress(len(sources), quiet=quiet) as watch:
        interval = 1.0 if watch is None else 0.25
        return pack_archive(
            sources, out, resources, stop, on_error=on_error, on_html=on_html,
            compression=compression, watch=watch, interval=interval,
        )  # fmt: skip


def _progress(
    files: int, *, quiet: bool
) -> AbstractContextManager[Callable[[Progress], None] | None]:
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    from packmule.cli.progress import shown  # noqa: PLC0415 - rich is slow to import

    return shown(files)


def _tell(packed: Packed, sources: list[Source], out: Path, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        failures = [
            {
                "url": sources[one.position].url,
                "code": one.failure.code,
                "detail": one.failure.detail,
            }
            for one in packed.failed
        ]
        record = {
            "archive": str(out) if packed.size is not None else None,
            "size": packed.size,
            "files": packed.files,
            "resumed": packed.resumed,
            "failures": failures,
            "html_pages": [sources[position].url for position in packed.html_pages],
        }
        click.echo(json.dumps(record))
        return
    for one in packed.failed[:_FAILURES_TOLD]:
        where = display_url(sources[one.position].url)
        click.echo(f"{where}: {one.failure.detail} [{one.failure.code}]", err=True)
    for position in () if quiet else packed.html_pages[:_FAILURES_TOLD]:
        click.echo(
            f"{display_url(sources[position].url)}: {HTML_PAGE_DETAIL} [html-page]", err=True
        )
    if len(packed.failed) > _FAILURES_TOLD:
        more = len(packed.failed) - _FAILURES_TOLD
        click.echo(f"… and {more:,} more; --json tells all of them.", err=True)
    if packed.stopped:
        click.echo("Interrupted. Run the same command again to go on from here.", err=True)
    elif packed.size is None:
        click.echo(
            f"No archive was made: {len(packed.failed)} of {len(sources)} files could not be "
            "fetched. Run the same command again to try those once more, or with --on-error skip "
            "to do without them.",
            err=True,
        )
    elif not quiet:
        kept = f", {packed.resumed} of them from before" if packed.resumed else ""
        click.echo(f"{out}: {packed.files} files{kept}, {packed.size:,} bytes", err=True)
