"""Packages from npm for tests, as their lock file pins them.

Owns installing them once for this state of the files beside it, in the virtual environment's
folder, whoever of several processes comes first. Leaves Node.js and npm to the system.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_SECONDS = 600


def installed(source: Path) -> Path:
    """Give a copy of the folder `source` with the packages that its package-lock.json names."""
    state = hashlib.sha256()
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        state.update(path.read_bytes())
    folder = Path(sys.prefix) / f"node-{source.parent.name}"
    folder.mkdir(exist_ok=True)
    stamp = folder / "stamp"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != state.hexdigest():
            install(source, folder / "packages")
            stamp.write_text(state.hexdigest())
    return folder / "packages"


def install(source: Path, folder: Path) -> None:
    """Copy a folder, and install its packages there; nothing that comes with them is run."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    done = subprocess.run(
        ["npm", "ci", *quiet, "--prefix", str(folder)],
        env=os.environ.copy(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"npm: {done.stdout}{done.stderr}")
