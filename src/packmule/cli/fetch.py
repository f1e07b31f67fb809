"""`packmule fetch`: wait for an archive, and download it, resuming.

Owns the words. Leaves waiting and downloading to `packmule.client`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from packmule.cli import exits, remote
from packmule.cli.durations import Duration
from packmule.cli.status_output import tell, tell_failures
from packmule.errors import UsageError


@click.command()
@remote.hash_argument
@click.option(
    "-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path),
    help="Where to put the archive.  [default: HASH.zip]",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace a file that is there already.")
@click.option("--no-resume", is_flag=True, help="Begin anew, whatever has come before.")
@click.option("--timeout", type=Duration(), help="Wait for the job no longer than this, like 2h.")
@remote.options
def fetch(
    *, archive_hash: str, out: Path | None, force: bool, no_resume: bool, timeout: float | None,
    server: str | None, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Wait until an archive is completed, and download it.

    A download that was cut goes on where it was, by itself, or when the same command is typed
    again; what has come meanwhile is in OUT.part. The archive is there whole or not at all.

    \b
    Examples:
      packmule fetch 0123456789abcdef0123456789abcdef -o holiday.zip
      packmule fetch https://example.org/archive/get/0123456789abcdef0123456789abcdef.zip

    Exit status: 0 the archive is there; 1 there is none, or a file is missing in it; 2 the command
    was not understood; 3 the server cannot be reached; 4 the time is over, and the job goes on;
    130 interrupted.
    """  # noqa: D301
    from packmule.client import ClientError, NotCompleted  # noqa: PLC0415 - slow to import

    path = out or Path(f"{archive_hash}.zip")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; use --force to replace it.")

    def go_on() -> str:
        return "Type the same command again to go on from here."

    with remote.asking(server, quiet=quiet or as_json, go_on=go_on) as (client, watch):
        try:
            done = client.fetch(
                archive_hash, path, resume=not no_resume, timeout=timeout,
                on_progress=watch.progress, on_bytes=watch.bytes,
            )  # fmt: skip
        except NotCompleted as ended:
            tell(archive_hash, ended.status, as_json=as_json)
            raise SystemExit(exits.FAILED) from ended
        except ClientError:
            raise  # some of them are OSError as well
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            reason = error.strerror or str(error)
            click.echo(f"Error: The archive cannot be written here: {reason}{where}.", err=True)
            raise SystemExit(exits.FAILED) from error
    if as_json:
        record = {
            "archive": str(path),
            "archive_hash": archive_hash,
            "size": done.size,
            "resumed_at": done.kept,
            "missing": [asdict(each) for each in done.missing],
        }
        click.echo(json.dumps(record))
    else:
        tell_failures(done.missing)
        if not quiet:
            kept = f", {done.kept:,} of them from before" if done.kept else ""
            click.echo(f"{path}: {done.size:,} bytes{kept}")
    raise SystemExit(exits.FAILED if done.missing else 0)
