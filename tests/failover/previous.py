"""The version before this one, from the project's history.

It is the one before the newest migration was added: its tables differ from ours.
"""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_MIGRATIONS = "src/packmule/jobs/migrations/versions"


def previous_version(folder: Path) -> Path:
    """Put the source of the version before into a folder; give what is to be on PYTHONPATH."""
    newest = _git("log", "--diff-filter=A", "--format=%H", "-n1", "--", f"{_MIGRATIONS}/r*.py")
    archive = _git("archive", "--format=tar", f"{newest.decode().strip()}^", "src")
    with tarfile.open(fileobj=BytesIO(archive)) as source:
        # Python before 3.11.4 has no filters.
        source.extraction_filter = getattr(tarfile, "data_filter", None)
        source.extractall(folder)  # noqa: S202 - it is our own history
    assert len(_steps(folder)) < len(_steps(_ROOT)), "it has the same tables"
    return folder / "src"


def has_history() -> bool:
    """Tell whether the project's history is at hand: a shallow clone has none."""
    newest = ["log", "--diff-filter=A", "--format=%H", "-n1", "--", f"{_MIGRATIONS}/r*.py"]
    try:
        _git("cat-file", "-e", f"{_git(*newest).decode().strip()}^:src")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _steps(root: Path) -> list[Path]:
    return list((root / _MIGRATIONS).glob("r*.py"))


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, check=True).stdout
