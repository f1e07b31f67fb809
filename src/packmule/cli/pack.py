"""`packmule pack`: create an archive on this machine, without a server.

Owns the command's options and output, and ctrl-C; the work is that of `assembly.pack`. Slow imports
wait until they are needed: a small archive takes less time than they do.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from packmule import settings as settings_module
from packmule.cli import exits, open_files, output_options
from packmule.cli import listing as lists
from packmule.cli.header_option import header_option
from packmule.cli.pack_output import print_result, print_rewritten
from packmule.cli.progress_reporter import has_terminal
from packmule.cli.setting_options import allow_network, as_environment, setting_option
from packmule.errors import UsageError
from packmule.jobs.model import Compression, Manifest, OnError, OnHtml
from packmule.wiring.rules import address_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from packmule.assembly.resources import SharedResources
    from packmule.cli.listing import GivenLink
    from packmule.jobs.model import Progress
    from packmule.outbound.origin_headers import OriginHeaders
    from packmule.settings import Settings

_STANDARD_OUTPUT = Path("-")


@click.command(cls=output_options.ManifestCommand)
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option("-i", "--input", "listing", type=click.File("rb"), help=lists.HELP)
@click.option(
    "-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path),
    help="Where to save the archive. Required, except with --dry-run.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "--dry-run", is_flag=True,
    help="Pack nothing: print the size and name of each file, the total, and dead links.",
)  # fmt: skip
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
@output_options.manifest
@allow_network
@setting_option(
    "transfers", "--transfers", metavar="NUMBER", help_="How many files to fetch at once."
)
@setting_option(
    "transfers_per_host", "--transfers-per-host", metavar="NUMBER",
    help_="How many files to fetch at once from one host.",
)  # fmt: skip
@setting_option(
    "max_rate", "--limit-rate", "--max-rate", metavar="SIZE", default="no limit",
    help_="How many bytes to fetch per second, over all transfers, like 5MB.",
)  # fmt: skip
@setting_option(
    "attempts", "--attempts", metavar="NUMBER",
    help_="How many tries without progress a file has.",
)  # fmt: skip
@setting_option(
    "user_agent", "--user-agent", metavar="TEXT", help_="What to call ourselves in requests."
)
@header_option
@setting_option(
    "egress_proxy", "--proxy", metavar="URL",
    help_="HTTP(S) or SOCKS5 proxy to fetch through, like http://proxy.example.org:3128. If it has "
    "a password, use the variable instead: other users can see options.",
)  # fmt: skip
@output_options.quiet
@output_options.json_line
def pack(
    *,
    urls: tuple[str, ...],
    listing: IO[bytes] | None,
    out: Path | None,
    force: bool,
    dry_run: bool,
    on_error: str,
    on_html: str,
    compression: str,
    manifest: str,
    networks: tuple[str, ...],
    headers: OriginHeaders,
    quiet: bool,
    as_json: bool,
    **options: str | None,
) -> None:
    """Create an archive of links on this machine, without a server.

    \b
    Examples:
      packmule pack https://example.org/a.png https://example.org/b.png -o two.zip
      packmule pack -i urls.txt -o out.zip --on-error skip
      packmule pack -i urls.txt --dry-run
      grep -o 'https://[^"]*png' page.html | packmule pack - -o pictures.zip

    If it is interrupted, by whatever, run the same command again to resume. The whole list is
    checked before anything is fetched. All settings of `packmule settings` on fetching apply.

    Exit status: 0 created; 1 there is no archive, or a file is missing in it; 2 invalid command
    or link; 130 interrupted.
    """  # noqa: D301  # \b is click's mark of lines that stay as they are
    target = None if dry_run else _checked(out, force=force)
    links = lists.gather(urls, listing)
    given = as_environment({**options, "allow_networks": ",".join(networks)})
    settings = settings_module.read({**os.environ, **given})
    lists.check(links, address_rules(settings), settings.max_url_length, settings.rewrite_links)
    talks = not (quiet or as_json)
    if talks and (note := lists.note_duplicates(links)) is not None:
        click.echo(note, err=True)
    stop = StopRequest()
    with _resources(settings, headers, stop) as resources:
        if target is None:
            _dry_run(links, resources, stop, quiet=quiet, as_json=as_json)
            return
        from packmule.assembly.pack import pack as pack_archive  # noqa: PLC0415 - after the checks

        with _progress(len(links), settings.attempts, quiet=not talks) as watch:
            packed = pack_archive(
                lists.sources(links), target, resources, stop, on_error=OnError(on_error),
                on_html=OnHtml(on_html), compression=Compression(compression), replace=force,
                manifest=Manifest(manifest), watch=watch, interval=1.0 if watch is None else 0.25,
            )  # fmt: skip
    if talks:
        print_rewritten(links, settings.rewrite_links)
    print_result(packed, links, target, quiet=quiet, as_json=as_json)
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


def _checked(out: Path | None, *, force: bool) -> Path:
    """Return where to save the archive. Raises click.UsageError, UsageError."""
    if out is None:
        raise click.UsageError("Missing option '-o' / '--output'.")
    if out == _STANDARD_OUTPUT:
        raise UsageError(
            "An archive cannot be written to standard output: files are written in place, in the "
            "order in which they arrive. Name a file with -o."
        )
    if out.is_file() and not force:
        raise UsageError(f"{out} already exists. Use --force to replace it.")
    if not out.parent.is_dir():
        raise UsageError(f"Cannot write {out}: the folder {out.parent} does not exist.")
    return out


@contextmanager
def _resources(
    settings: Settings, headers: OriginHeaders, stop: StopRequest
) -> Iterator[SharedResources]:
    """Open what fetching needs, and listen to signals from now on."""
    from packmule.wiring.resources import open_resources  # noqa: PLC0415 - after the checks

    stop.listen()
    open_files.raise_limit()
    with open_resources(settings, origin_headers=headers) as resources:
        yield resources


def _dry_run(
    links: Sequence[GivenLink],
    resources: SharedResources,
    stop: StopRequest,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    from packmule.assembly.probing import probe  # noqa: PLC0415 - most runs do not need it
    from packmule.cli.dry_run import report  # noqa: PLC0415

    found = probe(lists.sources(links), resources, stop)
    count, dead = report(found, links, quiet=quiet, as_json=as_json)
    if count < len(links):
        raise SystemExit(exits.INTERRUPTED)
    if dead:
        raise SystemExit(exits.FAILED)


def _progress(
    files: int, attempts: int, *, quiet: bool
) -> AbstractContextManager[Callable[[Progress], None] | None]:
    if quiet or not has_terminal():
        return nullcontext()
    from packmule.cli.progress import shown  # noqa: PLC0415 - most scripts have no terminal

    return shown(files, attempts)
