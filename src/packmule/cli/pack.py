"""`packmule pack`: create an archive on this machine, without a server.

Owns the command's options and output, and ctrl-C; the work is that of `assembly.pack`. Slow imports
wait until they are needed: a small archive takes less time than they do.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from packmule import settings as settings_module
from packmule.cli import exits, output_options
from packmule.cli import listing as lists
from packmule.cli.display_url import display_url
from packmule.cli.tables import number
from packmule.errors import WARNING_DETAILS, PackmuleError, UsageError, WarningCode
from packmule.jobs.model import Compression, OnError, OnHtml, check_names
from packmule.jobs.sources import Sources
from packmule.outbound.share_links import rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from packmule.assembly.pack import Packed
    from packmule.jobs.model import Progress

_MAX_FAILURES = 50
_DEFAULTS = {setting.field: setting.shown_default for setting in settings_module.TABLE}


@click.command()
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option("-i", "--input", "listing", type=click.File("rb"), help=lists.HELP)
@click.option(
    "-o", "--output", "out", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="Where to save the archive.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "--on-error", type=click.Choice(["fail", "skip"]), default="fail", show_default=True,
    help="If a file cannot be fetched: create no archive (and keep the other files for the next "
    "run), or leave out the file.",
)  # fmt: skip
@click.option(
    "--on-html", type=click.Choice(["report", "fail"]), default="report", show_default=True,
    help="If a web page arrives instead of a file: keep it and report it, or fail the file.",
)  # fmt: skip
@click.option(
    "--compression", type=click.Choice(["auto", "store", "deflate"]), default="auto",
    show_default=True,
    help="auto: compress only what shrinks well; store: compress nothing; deflate: compress "
    "everything that shrinks.",
)  # fmt: skip
@click.option(
    "--allow-network", "networks", multiple=True, metavar="CIDR",
    help="Allow links to this network although it is not public, like 127.0.0.0/8.",
)  # fmt: skip
@click.option(
    "--transfers", type=click.IntRange(1, 1024),
    help=f"How many files to fetch at once.  [default: {_DEFAULTS['transfers']}]",
)  # fmt: skip
@click.option(
    "--transfers-per-host", type=click.IntRange(1, 1024),
    help="How many files to fetch at once from one host.  "
    f"[default: {_DEFAULTS['transfers_per_host']}]",
)  # fmt: skip
@click.option(
    "--max-rate", metavar="SIZE",
    help="How many bytes to fetch per second, over all transfers, like 5MB.  [default: no limit]",
)  # fmt: skip
@click.option(
    "--proxy", metavar="URL",
    help="HTTP(S) or SOCKS5 proxy to fetch through, like http://proxy.example.org:3128. If it has "
    "a password, set PACKMULE_EGRESS_PROXY instead: other users can see options.",
)  # fmt: skip
@output_options.quiet
@output_options.json_line
def pack(
    *,
    urls: tuple[str, ...],
    listing: IO[bytes] | None,
    out: Path,
    force: bool,
    on_error: str,
    on_html: str,
    compression: str,
    networks: tuple[str, ...],
    transfers: int | None,
    transfers_per_host: int | None,
    max_rate: str | None,
    proxy: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Create an archive of links on this machine, without a server.

    \b
    Examples:
      packmule pack https://example.org/a.png https://example.org/b.png -o two.zip
      packmule pack -i urls.txt -o out.zip --on-error skip
      grep -o 'https://[^"]*png' page.html | packmule pack - -o pictures.zip

    If it is interrupted, by whatever, run the same command again to resume.

    Exit status: 0 created; 1 there is no archive, or a file is missing in it; 2 invalid command;
    130 interrupted.
    """  # noqa: D301  # \b is click's mark of lines that stay as they are
    sources = read_sources(urls, listing)
    if out.is_file() and not force:
        raise click.UsageError(f"{out} already exists. Use --force to replace it.")
    environment = dict(os.environ)
    for name, value in (
        ("PACKMULE_ALLOW_NETWORKS", ",".join(networks)),
        ("PACKMULE_TRANSFERS", transfers),
        ("PACKMULE_TRANSFERS_PER_HOST", transfers_per_host),
        ("PACKMULE_MAX_RATE", max_rate),
        ("PACKMULE_EGRESS_PROXY", proxy),
    ):
        if value:
            environment[name] = str(value)
    try:
        packed = _pack(
            sources, out, environment, on_error=OnError(on_error), on_html=OnHtml(on_html),
            compression=Compression(compression), replace=force, quiet=quiet or as_json,
        )  # fmt: skip
    except PackmuleError as error:
        raise click.ClickException(str(error)) from error
    if not (quiet or as_json):
        _print_rewritten(sources, environment)
    _print_result(packed, sources, out, quiet=quiet, as_json=as_json)
    if packed.stopped:
        raise SystemExit(exits.INTERRUPTED)
    if packed.failed:
        raise SystemExit(exits.FAILED)


class StopRequest:
    """Whether a signal has asked to stop.

    No Event: its lock may be held by the very code that a signal interrupts, which is this handler
    if two signals come at once.
    """

    def __init__(self) -> None:
        self._signals = 0

    def listen(self) -> None:
        """Handle ctrl-C and SIGTERM from now on."""
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._note_signal)

    def _note_signal(self, _number: int, _frame: object) -> None:
        self._signals += 1

    def is_set(self) -> bool:
        """Return whether to stop."""
        return self._signals > 0


def read_sources(urls: Sequence[str], listing: IO[bytes] | None) -> Sources:
    """Collect the links of the command line and of the list, in that order.

    Raises click.UsageError.
    """
    sources = Sources(lists.gather(urls, listing))
    try:
        check_names(sources)
    except UsageError as error:
        raise click.UsageError(str(error)) from error
    return sources


def _pack(
    sources: Sources,
    out: Path,
    environment: dict[str, str],
    *,
    on_error: OnError,
    on_html: OnHtml,
    compression: Compression,
    replace: bool,
    quiet: bool,
) -> Packed:
    from packmule.assembly.pack import pack as pack_archive  # noqa: PLC0415 - after the arguments
    from packmule.wiring.resources import open_resources  # noqa: PLC0415

    settings = settings_module.read(environment)
    if not out.parent.is_dir():
        raise UsageError(f"Cannot write {out}: the folder {out.parent} does not exist.")
    stop = StopRequest()
    stop.listen()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a socket for each transfer
    with (
        open_resources(settings) as resources,
        _progress(len(sources), settings.attempts, quiet=quiet) as watch,
    ):
        interval = 1.0 if watch is None else 0.25
        return pack_archive(
            sources, out, resources, stop, on_error=on_error, on_html=on_html,
            compression=compression, replace=replace, watch=watch, interval=interval,
        )  # fmt: skip


def _progress(
    files: int, attempts: int, *, quiet: bool
) -> AbstractContextManager[Callable[[Progress], None] | None]:
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    from packmule.cli.progress import shown  # noqa: PLC0415 - rich is slow to import

    return shown(files, attempts)


def _print_rewritten(sources: Sources, environment: dict[str, str]) -> None:
    """Say which share links were rewritten."""
    rules = settings_module.read(environment).rewrite_links
    found = [(source, new) for source in sources if (new := rewrite(source.url, rules)) is not None]
    for source, new in found[:_MAX_FAILURES]:
        where, to = display_url(source.url), display_url(new.url)
        click.echo(f"Note: {where}: fetched from {to} (rule {new.rule})", err=True)


def _print_result(
    packed: Packed, sources: Sources, out: Path, *, quiet: bool, as_json: bool
) -> None:
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
            "html_pages": [
                sources[position].url
                for position, code in packed.warnings
                if code is WarningCode.HTML_PAGE
            ],
            "warnings": [
                {
                    "position": position,
                    "url": sources[position].url,
                    "code": code,
                    "detail": WARNING_DETAILS[code],
                }
                for position, code in packed.warnings
            ],
        }
        click.echo(json.dumps(record))
        return
    for one in packed.failed[:_MAX_FAILURES]:
        where = display_url(sources[one.position].url)
        click.echo(f"{where}: {one.failure.detail} [{one.failure.code}]", err=True)
    for position, code in () if quiet else packed.warnings[:_MAX_FAILURES]:
        where = display_url(sources[position].url)
        click.echo(f"Warning: {where}: {WARNING_DETAILS[code]} [{code}]", err=True)
    if len(packed.failed) > _MAX_FAILURES:
        more = len(packed.failed) - _MAX_FAILURES
        click.echo(f"… and {more:,} more; use --json to see all.", err=True)
    if packed.stopped:
        click.echo("Interrupted. Run the same command to resume.", err=True)
    elif packed.size is None:
        click.echo(
            f"Error: No archive was created: {len(packed.failed):,} of "
            f"{number(len(sources), 'file')} could not be fetched. Run the same command to retry "
            "them, or add --on-error skip to leave them out.",
            err=True,
        )
    elif not quiet:
        kept = f", {packed.resumed:,} of them resumed" if packed.resumed else ""
        click.echo(f"{out}: {number(packed.files, 'file')}{kept}, {packed.size:,} bytes", err=True)
