"""One cell of the matrix: a reader reads an archive, and what it found is compared with the truth.

Owns running and judging. Leaves which readers there are to `table`, which archives to `corpus`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.readers.bodies import Content
from tests.readers.building import ADAPTERS
from tests.readers.table import How

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.readers.corpus import Sample
    from tests.readers.table import Reader

_TOLD = 3
_LEAST_TOLD = 2000


def read(
    reader: Reader,
    archive: Path,
    wanted: Mapping[str, Content],
    *,
    built: Path,
    folder: Path,
    seconds: float = 120.0,
) -> str:
    """Have a reader read an archive in an empty folder, which is made; say `right`, or what is not.

    `seconds` is its time.
    """
    folder.mkdir()
    environment = {
        "ARCHIVE": str(archive),
        "ADAPTERS": str(ADAPTERS),
        "BUILT": str(built),
        "PYTHON": sys.executable,
        "LC_ALL": "C.UTF-8",
    }
    try:
        code, output, errors = _run(reader.line, folder, os.environ | environment, seconds)
    except subprocess.TimeoutExpired:
        return f"not done after {seconds:g} s"
    if code != 0:
        said = (errors + output).decode(errors="replace").strip()
        return f"ended with {code}: {said[-_LEAST_TOLD:]}"
    match reader.how:
        case How.CHECKS:
            return "right"
        case How.EXTRACTS:
            return compared(_extracted(folder), wanted)
        case How.TELLS:
            return compared(_told(output.decode("ascii")), wanted)


def _run(
    line: str, folder: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int, bytes, bytes]:
    """Run a line of shell; whatever it started ends with its time. Raises TimeoutExpired."""
    with subprocess.Popen(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as shell:
        try:
            output, errors = shell.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            raise
        return shell.returncode, output, errors


def judged(
    reader: Reader, sample: Sample, *, built: Path, folder: Path, seconds: float = 120.0
) -> str:
    """Have a reader read a sample; what it cannot read of the control either is its own `limit`."""
    said = read(reader, sample.archive, sample.wanted, built=built, folder=folder, seconds=seconds)
    if said == "right":
        return said
    shutil.rmtree(folder)
    other = read(reader, sample.control, sample.wanted, built=built, folder=folder, seconds=seconds)
    return said if other == "right" else f"limit: {said}"


def compared(found: list[tuple[str, Content]], wanted: Mapping[str, Content]) -> str:
    """Compare names and contents; say `right`, or the first differences."""
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        return "it found a name twice"
    held = dict(found)
    wrong = [f"{name!r} is missing" for name in wanted if name not in held]
    wrong += [f"{name!r} is nobody's" for name in held if name not in wanted]
    wrong += [
        f"{name!r} has other bytes"
        for name in wanted
        if name in held and held[name] != wanted[name]
    ]
    return "; ".join(wrong[:_TOLD]) or "right"


def _extracted(folder: Path) -> list[tuple[str, Content]]:
    """Look at every file below a folder."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() or path.is_symlink():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                found.append((path.relative_to(folder).as_posix(), Content(file.tell(), digest)))
    return found


def _told(said: str) -> list[tuple[str, Content]]:
    """Read lines of digest, size, and the name's UTF-8 in hexadecimal."""
    found = []
    for line in said.splitlines():
        digest, size, name = line.split(" ")
        found.append((bytes.fromhex(name).decode(), Content(int(size), digest)))
    return found
