"""Fresh environments for what is to be published: a wheel, an sdist, and a Python of each version.

Owns building, installing and measuring. What is tried there is in `run.py`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def run(*command: str | Path, folder: Path | None = None, status: int = 0) -> str:
    """Run a program to its end and return what it printed; fail on another exit status."""
    done = subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == status, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def build(into: Path) -> tuple[Path, Path]:
    """Build and return the sdist, and the wheel that comes from the sdist."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", into, folder=ROOT)
    [sdist] = into.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        # Python before 3.11.4 has no filters.
        packed.extraction_filter = getattr(tarfile, "data_filter", None)
        packed.extractall(into)  # noqa: S202 - it is our own
    source = into / sdist.name.removesuffix(".tar.gz")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into, folder=source)
    [wheel] = into.glob("*.whl")
    return sdist, wheel


def pythons() -> dict[str, Path]:
    """Find the Pythons of this machine that work, by their versions."""
    found = {}
    for version in VERSIONS:
        path = shutil.which(f"python{version}")
        if path is None:
            continue
        said = subprocess.run(
            [path, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.stdout.strip() == version:  # a shim may be there without its Python
            found[version] = Path(path)
    return found


def install(python: Path, what: str, folder: Path) -> Path:
    """Install a requirement into a new environment, and return the environment."""
    run(python, "-m", "venv", "--without-pip", folder)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python")
    run(*pip, "install", "--quiet", "--disable-pip-version-check", what)
    return folder


def size(environment: Path) -> int:
    """Return the bytes of everything installed in an environment, bytecode included."""
    return sum(
        path.stat().st_size
        for packages in environment.glob("lib/python*/site-packages")
        for path in packages.rglob("*")
        if path.is_file()
    )
