"""`packmule verify`: whether an archive is right, of ours or of anybody.

Owns the words. Leaves what is right to `zipformat.verifying`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from packmule.zipformat.records import FormatError
from packmule.zipformat.verifying import verify as verify_archive

if TYPE_CHECKING:
    from packmule.zipformat.entry_check import Finding
    from packmule.zipformat.verifying import VerifyReport

EXIT_DAMAGED = 1
EXIT_NOT_READABLE = 2
_TOLD = 50

_CURES = {
    "body": "fetch this file again: its bytes were changed after they were written",
    "local-header": "readers that stream will refuse it; make the archive again",
    "central-header": "the directory is damaged; make the archive again",
    "headers-differ": "readers disagree on which is meant; make the archive again",
    "data-descriptor": "readers that stream will refuse it; make the archive again",
    "directory": "the archive was cut or changed; make it again",
    "duplicate": "readers keep one of the two; make the archive again with other names",
    "gap": "strict readers refuse it; make the archive again",
    "overlap": "strict readers take it for an attack; do not unpack it",
    "trailing-bytes": "something was appended, or two downloads were joined; download it again",
}


@click.command()
@click.argument("path", metavar="ARCHIVE", type=click.Path(path_type=Path))
@click.option("--quick", is_flag=True, help="Check all records, but do not read the files back.")
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON line.")
def verify(*, path: Path, quick: bool, as_json: bool) -> None:
    """Check a ZIP archive: its directory, each file's header, and each file against its CRC-32.

    Notes are what other programs write and readers take; they are no faults.

    Exit status: 0 the archive is right; 1 it is damaged; 2 it cannot be read as an archive.
    """
    try:
        # Not to wait for somebody to write, where it is a pipe.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            size = os.fstat(fd).st_size
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
        _tell(path, report, quick=quick)
    if report.faults:
        raise SystemExit(EXIT_DAMAGED)


def _record(path: Path, report: VerifyReport, *, quick: bool) -> dict[str, object]:
    def told(each: Finding) -> dict[str, object]:
        return {"kind": each.kind, "at": each.at, "name": each.name, "detail": each.detail}

    return {
        "archive": str(path),
        "readable": True,
        "right": not report.faults,
        "read_back": not quick,
        "entries": report.entries,
        "size": report.size,
        "faults": [told(each) for each in report.faults],
        "notes": [told(each) for each in report.findings if not each.is_fault],
    }


def _tell(path: Path, report: VerifyReport, *, quick: bool) -> None:
    faults = report.faults
    for each in faults[:_TOLD]:
        click.echo(f"fault at byte {each.at:,}: {_sentence(each)}", err=True)
        click.echo(f"    what to do: {_CURES[each.kind]}", err=True)
    if len(faults) > _TOLD:
        more = len(faults) - _TOLD
        click.echo(f"… and {more:,} faults more; --json tells all of them.", err=True)
    notes = [each for each in report.findings if not each.is_fault]
    for each in notes[:_TOLD]:
        click.echo(f"note at byte {each.at:,}: {_sentence(each)}")
    if len(notes) > _TOLD:
        click.echo(f"… and {len(notes) - _TOLD:,} notes more; --json tells all of them.")
    word = f"damaged, {len(faults):,} faults" if faults else "right"
    how = "not read back" if quick else "read back"
    click.echo(f"{path}: {word}; {report.entries:,} files {how}, {report.size:,} bytes")


def _sentence(each: Finding) -> str:
    # A name may hold what moves a terminal's cursor.
    name = "".join(c if c.isprintable() else "\ufffd" for c in each.name or "")
    return f"{name}: {each.detail} [{each.kind}]" if name else f"{each.detail} [{each.kind}]"
