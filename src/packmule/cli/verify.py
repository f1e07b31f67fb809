"""`packmule verify`: check any ZIP archive.

Owns the command's options and output; the checks are those of `zipformat.verifying`.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import click

from packmule.cli import output_options
from packmule.cli.tables import harmless, number
from packmule.zipformat.records import FormatError
from packmule.zipformat.verifying import verify as verify_archive

if TYPE_CHECKING:
    from packmule.zipformat.entry_check import Finding
    from packmule.zipformat.verifying import VerifyReport

EXIT_DAMAGED = 1
EXIT_NOT_READABLE = 2
_MAX_FINDINGS = 50

_REMEDIES = {
    "body": "fetch this file again: its bytes were changed after they were written",
    "local-header": "streaming readers reject it; create the archive again",
    "central-header": "the directory is damaged; create the archive again",
    "headers-differ": "readers disagree on which one counts; create the archive again",
    "data-descriptor": "streaming readers reject it; create the archive again",
    "directory": "the archive was truncated or changed; create it again",
    "duplicate": "readers keep one of the two; create the archive again with other names",
    "gap": "strict readers reject it; create the archive again",
    "overlap": "strict readers treat it as an attack; do not unpack it",
    "trailing-bytes": "data was appended, or two downloads were joined; download it again",
}


@click.command()
@click.argument("path", metavar="ARCHIVE", type=click.Path(path_type=Path))
@click.option("--quick", is_flag=True, help="Check all headers, but not the contents of the files.")
@output_options.json_line
def verify(*, path: Path, quick: bool, as_json: bool) -> None:
    """Check any ZIP archive: its directory, each file's header, and each file's CRC-32.

    Notes are harmless deviations that other programs write and readers accept.

    Exit status: 0 valid; 1 damaged; 2 not a readable archive.
    """
    try:
        # So that a named pipe does not wait for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise FormatError("not a regular file; save the archive to a file first")
            size = status.st_size
            report = verify_archive(lambda at, n: os.pread(fd, n, at), size, quick=quick)
        finally:
            os.close(fd)
    except (OSError, OverflowError, FormatError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        if as_json:
            record = {"archive": str(path), "readable": False, "detail": reason}
            click.echo(json.dumps(record))
        else:
            click.echo(f"{path}: not readable: {reason}", err=True)
        raise SystemExit(EXIT_NOT_READABLE) from error
    if as_json:
        click.echo(json.dumps(_record(path, report, quick=quick)))
    else:
        _print(path, report, quick=quick)
    if report.faults:
        raise SystemExit(EXIT_DAMAGED)


def _record(path: Path, report: VerifyReport, *, quick: bool) -> dict[str, object]:
    def record(each: Finding) -> dict[str, object]:
        return {"kind": each.kind, "at": each.at, "name": each.name, "detail": each.detail}

    return {
        "archive": str(path),
        "readable": True,
        "valid": not report.faults,
        "read_back": not quick,
        "complete": report.is_complete,
        "entries": report.entries,
        "size": report.size,
        "faults": [record(each) for each in report.faults],
        "notes": [record(each) for each in report.findings if not each.is_fault],
    }


def _print(path: Path, report: VerifyReport, *, quick: bool) -> None:
    faults = report.faults
    for each in faults[:_MAX_FINDINGS]:
        click.echo(f"fault at byte {each.at:,}: {_sentence(each)}", err=True)
        click.echo(f"    fix: {_REMEDIES[each.kind]}", err=True)
    if len(faults) > _MAX_FINDINGS:
        more = len(faults) - _MAX_FINDINGS
        click.echo(f"… and {number(more, 'more fault')}; use --json to see all.", err=True)
    notes = [each for each in report.findings if not each.is_fault]
    for each in notes[:_MAX_FINDINGS]:
        click.echo(f"note at byte {each.at:,}: {_sentence(each)}")
    if len(notes) > _MAX_FINDINGS:
        click.echo(
            f"… and {number(len(notes) - _MAX_FINDINGS, 'more note')}; use --json to see all."
        )
    verdict = f"damaged, {number(len(faults), 'fault')}" if faults else "valid"
    how = "headers only" if quick else "contents checked"
    if not report.is_complete:
        how += ", stopped early"
    files = number(report.entries, "file")
    click.echo(f"{path}: {verdict}; {files}, {report.size:,} bytes, {how}")


def _sentence(each: Finding) -> str:
    name = harmless(each.name)
    return f"{name}: {each.detail} [{each.kind}]" if name else f"{each.detail} [{each.kind}]"
