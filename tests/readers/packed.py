"""Archives that the program makes itself: `packmule pack`, over an origin of our own.

Owns running it, and what must be in the archive then. Leaves which files to `packed_files`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from tests.readers.bodies import Body, Truth
from tests.readers.origin import File, serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECONDS = 60


def pack(files: Sequence[File], archive: Path) -> Truth:
    """Have the program pack files, and tell what must be in the archive."""
    with serving(files) as origin:
        links = archive.with_suffix(".links")
        links.write_text(
            "".join(f"{origin}{file.path}\t{file.name or ''}\n" for file in files), encoding="utf-8"
        )
        command = [sys.executable, "-m", "packmule", "pack", "--quiet", "--on-error", "skip"]
        command += ["--allow-network", "127.0.0.0/8", "--input", str(links), "-o", str(archive)]
        run = subprocess.run(
            command,
            env=os.environ | {"PACKMULE_ATTEMPTS": "1", "PACKMULE_ALLOW_PORTS": "1024-65535"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    lost = [file for file in files if file.entry is None]
    assert run.returncode == (1 if lost else 0), run.stderr
    assert archive.exists(), run.stderr
    truth = {file.entry: Body.of(file.body) for file in files if file.entry is not None}
    if lost:
        # What it says is tested elsewhere; here, that every reader reads it alike.
        with zipfile.ZipFile(archive) as opened:
            truth["_missing.txt"] = Body.of(opened.read("_missing.txt"))
    return truth
