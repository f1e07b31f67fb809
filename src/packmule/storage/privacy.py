"""Who on this machine may read what the service keeps: pre-signed links, archives, the database.

Owns the modes of the data directory and what is in it. Only this user may read it. Where a proxy
sends the archives by itself, its group may read those, and pass through the folders above them.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from packmule.durable_files import make_folder
from packmule.storage.disk import translated

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FOLDER, _PASSED_FOLDER, _SHARED_FOLDER = 0o700, 0o710, 0o750
_FILE, SHARED_FILE = 0o600, 0o640


def make_private(data_dir: Path, files: Iterable[Path], *, shared: bool) -> None:
    """Make the data directory and these files private; what belongs to another user stays.

    `shared`: the group may read archives. Raises StorageFailed, DiskFull.
    """
    with translated("The data directory cannot be made private"):
        make_folder(data_dir)
        _set_mode(data_dir, _PASSED_FOLDER if shared else _FOLDER)
        for file in files:
            if file.exists():
                _set_mode(file, _FILE)
        archives = data_dir / "archives"
        if not shared or not archives.is_dir():
            return
        for path in (archives, *archives.glob("*"), *archives.glob("*/*.zip")):
            _set_mode(path, SHARED_FILE if path.suffix == ".zip" else _SHARED_FOLDER)


def share_archive(archive: Path) -> None:
    """Make an archive readable for the group, before it is published."""
    archive.chmod(SHARED_FILE)


def share_folders(folder: Path) -> None:
    """Make the folder of an archive, and the one above, readable for the group."""
    for each in (folder.parent, folder):
        _set_mode(each, _SHARED_FOLDER)


def _set_mode(path: Path, mode: int) -> None:
    status = path.lstat()
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != mode:
        path.chmod(mode)
