"""`packmule fetch`: wait for an archive and download it, or one file of it.

Owns the command's options and output; waiting, downloading and resuming are those of
`packmule.client`.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from packmule.cli import exits, remote
from packmule.cli.archive_hash import hash_argument
from packmule.cli.durations import Duration
from packmule.cli.status_output import print_failures, print_status, print_warnings
from packmule.errors import UsageError

if TYPE_CHECKING:
    from packmule.client import Downloaded

_STANDARD_OUTPUT = Path("-")
_POSITION = re.compile(r"[0-9]{1,10}")


@click.command()
@hash_argument
@click.option(
    "-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path),
    help="Where to save it.  [default: HASH.zip, or with --file the file's name]",
)  # fmt: skip
@click.option(
    "--file", "file", metavar="NAME_OR_POSITION",
    help="Download only this file of the archive: its name there, or its position in the list of "
    "links, from 0.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "--no-resume", is_flag=True, help="Start over instead of resuming an earlier download."
)
@click.option(
    "--connections", type=click.IntRange(1, 64), default=8, show_default=True,
    help="Receive parts of a large archive over at most so many connections at once.",
)  # fmt: skip
@click.option("--timeout", type=Duration(), help="Wait for the job at most this long, like 2h.")
@remote.options
def fetch(
    *, archive_hash: str, out: Path | None, file: str | None, force: bool, no_resume: bool,
    connections: int, timeout: float | None,
    server: str | None, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Wait until an archive is completed, and download it, or one file of it.

    A large archive is received over several connections. An interrupted download resumes by itself,
    or when you run the same command again; until then its bytes are in OUT.part. An archive is
    there whole or not at all; one split into parts is saved as OUT-1.zip, OUT-2.zip and so on.

    `packmule files HASH` lists names and positions. To download by its position, a file needs no
    API key. One that the archive holds compressed starts over after an interruption.

    \b
    Examples:
      packmule fetch 0123456789abcdef0123456789abcdef -o holiday.zip
      packmule fetch 0123456789abcdef0123456789abcdef --file 2024/clip.mp4
      packmule fetch https://example.org/archive/get/0123456789abcdef0123456789abcdef.zip

    Exit status: 0 downloaded; 1 there is no archive, or a file is missing in it; 2 invalid
    command; 3 cannot reach the server; 4 timed out, the job goes on; 130 interrupted.
    """  # noqa: D301
    from packmule.client import ClientError, NotCompleted  # noqa: PLC0415 - slow to import

    wanted = int(file) if file is not None and _POSITION.fullmatch(file) else file
    path = out or _default_path(archive_hash, wanted)
    if path == _STANDARD_OUTPUT:
        raise UsageError(
            "An archive cannot be written to standard output: its parts arrive in any order. Name "
            "a file with -o."
        )
    if path.exists() and not force:
        raise UsageError(f"{path} already exists. Use --force to replace it.")

    def go_on() -> str:
        return "Run the same command to resume."

    with remote.connect(server, quiet=quiet or as_json, go_on=go_on) as (client, reporter):
        try:
            done = client.fetch(
                archive_hash, path, file=wanted, resume=not no_resume, replace=force,
                timeout=timeout, connections=connections,
                on_progress=reporter.progress, on_bytes=reporter.bytes,
            )  # fmt: skip
        except NotCompleted as ended:
            print_status(archive_hash, ended.status, as_json=as_json)
            raise SystemExit(exits.FAILED) from ended
        except ClientError:
            raise  # some of them are OSError as well
        except FileExistsError as error:
            raise UsageError(
                f"{error.filename2 or error.filename} already exists. Run the same command with "
                "--force to replace it; what was downloaded is kept."
            ) from error
        except OSError as error:
            click.echo(f"Error: Cannot write the archive: {_reason(error)}.", err=True)
            raise SystemExit(exits.FAILED) from error
    _print_result(done, archive_hash, quiet=quiet, as_json=as_json)
    raise SystemExit(exits.FAILED if done.missing else 0)


def _default_path(archive_hash: str, file: int | str | None) -> Path:
    if file is None:
        return Path(f"{archive_hash}.zip")
    name = "" if isinstance(file, int) else file.rpartition("/")[2]
    if name in {"", ".", ".."}:
        raise UsageError("Name the file to write with -o: this does not say its name.")
    return Path(name)


def _print_result(done: Downloaded, archive_hash: str, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        record = {
            "archive": str(done.paths[0]),
            "archives": [str(path) for path in done.paths],
            "archive_hash": archive_hash,
            "size": done.size,
            "resumed_at": done.kept,
            "missing": [asdict(each) for each in done.missing],
            "warnings": [asdict(each) for each in done.warnings],
        }
        click.echo(json.dumps(record))
        return
    print_failures(done.missing)
    print_warnings(done.warnings)
    if not quiet:
        kept = f", {done.kept:,} of them resumed" if done.kept else ""
        if len(done.paths) == 1:
            click.echo(f"{done.paths[0]}: {done.size:,} bytes{kept}")
            return
        for path in done.paths:
            click.echo(f"{path}: {path.stat().st_size:,} bytes")
        click.echo(f"{len(done.paths):,} parts: {done.size:,} bytes{kept}")


def _reason(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{where}"
