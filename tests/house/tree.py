"""The project's own files, for the tests that hold them to the house rules.

Owns which files those are: what git keeps or would keep; in an unpacked copy without git, what
lies there outside the folders that tools make.
"""

from __future__ import annotations

import ast
import subprocess
import warnings
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE_BY_TOOLS = {
    ".git",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    ".work",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "packmule-data",
    "site",
}


@cache
def project_files() -> tuple[Path, ...]:
    """List every file of the project, relative to its root."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        found = [Path(name) for name in listing.stdout.decode().split("\0") if name]
    else:
        found = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
    return tuple(
        sorted(
            path
            for path in found
            if (ROOT / path).is_file() and not MADE_BY_TOOLS & set(path.parts)
        )
    )


def files_under(*folders: str, suffixes: frozenset[str] | None = None) -> list[Path]:
    """List the files in these top-level folders, of these suffixes where given."""
    return [
        path
        for path in project_files()
        if path.parts[0] in folders and (suffixes is None or path.suffix in suffixes)
    ]


def read(path: Path | str) -> str:
    """Read a file of the project as text."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def is_text(path: Path) -> bool:
    """Tell text from what only programs read (a NUL byte, as git does)."""
    return b"\0" not in (ROOT / path).read_bytes()[:8000]


@cache
def parse(path: Path) -> ast.Module:
    """Parse a Python file of the project; what the compiler warns of is another rule's matter."""
    with warnings.catch_warnings(action="ignore"):
        return ast.parse(read(path), filename=str(path))
