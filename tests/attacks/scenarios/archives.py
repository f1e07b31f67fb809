"""Archives that cost whoever checks them more than they should."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from struct import Struct
from typing import TYPE_CHECKING

from tests.attacks.stage import MAX_GROWTH, attack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.attacks.stage import Stage

LOCAL = Struct("<IHHHIIIIHH")
CENTRAL = Struct("<IHHHHIIIIHHHHHII")
ZIP64_END = Struct("<IQHHIIQQQQ")
LOCATOR = Struct("<IIQI")
END = Struct("<IHHHHIIH")

# In a process of its own: what a child has taken includes what its parent had when it forked.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.STDOUT)
print("peak:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

VERIFY_SECONDS = 60
"""Seconds after which a check counts as one that never ends: it is one of a few MB."""


NO_SERVICE = "it attacks the command line, which runs without a service"


@attack(
    "an archive whose entries are all the same body, verified",
    full=200_000,
    small=20_000,
    only_without_container=NO_SERVICE,
)
def overlapping_entries(stage: Stage, entries: int) -> None:
    body = bytes(20_000_000)
    crc = zlib.crc32(body)
    path = stage.folder / "overlap.zip"
    with path.open("wb") as file:
        head = (0, 0, 0, crc, len(body), len(body))
        file.write(LOCAL.pack(0x04034B50, 20, *head, 1, 0) + b"a" + body)
        start = file.tell()
        for number in range(entries):
            name = b"%d" % number
            central = (20, 20, *head, len(name), 0, 0, 0, 0, 0, 0)
            file.write(CENTRAL.pack(0x02014B50, *central) + name)
        write_end(file.fileno(), file.tell() - start, start, entries)
    output, _ = verify(path)
    assert "overlap" in output
    assert "stopped early" in output


@attack(
    "an archive with a huge directory, verified",
    full=3_000_000_000,
    small=100_000_000,
    only_without_container=NO_SERVICE,
)
def huge_directory(stage: Stage, size: int) -> None:
    path = stage.folder / "directory.zip"
    filler = bytes(65_535)
    head = (0, 0, 0, 0, 0, 0)
    with path.open("wb") as file:
        file.write(LOCAL.pack(0x04034B50, 20, *head, 1, 0) + b"a")
        start = file.tell()
        entries = 0
        while file.tell() < size:
            name = b"%d" % entries
            central = (20, 20, *head, len(name), 0, len(filler), 0, 0, 0, 0)
            file.write(CENTRAL.pack(0x02014B50, *central) + name + filler)
            entries += 1
        write_end(file.fileno(), file.tell() - start, start, entries)
    _, peak = verify(path)
    assert peak < MAX_GROWTH, f"it took {peak / 1e6:.0f} MB"


def write_end(file: int, length: int, start: int, entries: int) -> None:
    """Write the end records behind a directory, in their wide form."""
    at = start + length
    os.pwrite(
        file,
        ZIP64_END.pack(0x06064B50, 44, 45, 45, 0, 0, entries, entries, length, start)
        + LOCATOR.pack(0x07064B50, 0, at, 1)
        + END.pack(0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0),
        at,
    )


def verify(path: Path) -> tuple[str, int]:
    """Run `packmule verify`; return what it says, and the most memory it took, in bytes.

    Fails if it does not end.
    """
    measured = [
        sys.executable,
        "-c",
        MEASURE,
        sys.executable,
        "-m",
        "packmule",
        "verify",
        str(path),
    ]
    ran = subprocess.run(
        measured, capture_output=True, text=True, timeout=VERIFY_SECONDS, check=True
    )
    output, _, peak = ran.stdout.rpartition("peak: ")
    return output, int(peak) * 1024
