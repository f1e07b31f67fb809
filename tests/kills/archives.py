"""Whether a downloaded archive is exactly what was asked for, byte for byte.

Owns the one judgement that all suites of kills pass on an archive: its names and their order, every
byte of every body, no byte that belongs to nothing, and what a foreign program says of it.
"""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING

from tests.kills.bodies import PERIOD

from packmule.zipformat.records import LOCAL, LocalHeader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.kills.bodies import Body


MISSING = "_missing.txt"


def faults(path: Path, wanted: Mapping[str, Body], *, missing: bool = False) -> list[str]:
    """Say what is wrong with an archive; nothing where it is right. `wanted` in its order.

    `missing`: a file was left out, so the report of it comes last.
    """
    names = [*wanted, MISSING] if missing else list(wanted)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if [entry.filename for entry in entries] != names:
                return [f"it holds {archive.namelist()} instead of {names}"]
            found = [
                f"{name}: {fault}"
                for name, body in wanted.items()
                if (fault := _of_body(archive, name, body)) is not None
            ]
            found += _of_layout(path, entries, archive.start_dir)
    except (zipfile.BadZipFile, EOFError) as error:
        return [f"zipfile: {error}"]
    return found + _of_unzip(path)


def names_in(path: Path) -> list[str]:
    """List the entries of an archive; none where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, EOFError):
        return []


def _of_body(archive: zipfile.ZipFile, name: str, body: Body) -> str | None:
    at = 0
    try:
        with archive.open(name) as entry:
            while read := entry.read(PERIOD):
                if read != bytes(body.piece(at, len(read))):
                    return f"other bytes between {at} and {at + len(read)}"
                at += len(read)
    except zipfile.BadZipFile as error:
        return str(error)
    return None if at == body.size else f"{at} bytes instead of {body.size}"


def _of_layout(path: Path, entries: list[zipfile.ZipInfo], directory: int) -> list[str]:
    """Compare the local headers with the directory, and look for gaps and overlaps."""
    placed = []
    with path.open("rb") as file:
        for entry in entries:
            file.seek(entry.header_offset)
            header = LocalHeader.unpack(file.read(LOCAL.size + 2 * 0xFFFF))
            if (header.name, header.crc) != (entry.filename.encode(), entry.CRC):
                return [f"{entry.filename}: its two headers differ"]
            body_at = entry.header_offset + header.packed_size
            placed.append((entry.header_offset, body_at + entry.compress_size))
    at = 0
    for start, stop in [*sorted(placed), (directory, path.stat().st_size)]:
        if start != at:
            return [f"bytes between {at} and {start} belong to nothing, or to two"]
        at = stop
    return []


def _of_unzip(path: Path) -> list[str]:
    """Ask a foreign program, where there is one."""
    if shutil.which("unzip") is None:
        return []
    tested = subprocess.run(
        ["unzip", "-tqq", path], capture_output=True, text=True, check=False, timeout=300
    )
    return [] if tested.returncode == 0 else [f"unzip: {tested.stdout}{tested.stderr}"]
