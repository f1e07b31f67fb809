"""One `packmule serve` at a time on a data directory.

Owns the lock file `serve.lock` in it. Two services would each take the other's running jobs for
those of a run that died. Commands that maintain the data directory, and a worker or an API that is
run alone beside the service, do not take the lock.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from packmule.durable_files import make_folder, open_locked
from packmule.errors import StorageFailed, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def hold(data_dir: Path) -> BinaryIO:
    """Lock the data directory until the file is closed or this process ends, however it ends.

    Raises UsageError where another service holds it, StorageFailed where it cannot be written.
    """
    path = data_dir / "serve.lock"
    try:
        make_folder(data_dir)
        file = open_locked(path, mode=0o600, required=False)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageFailed(f"The data directory {data_dir} cannot be used: {reason}.") from error
    if file is None:
        raise UsageError(
            f"Another `packmule serve`{_owner(path)} is using the data directory {data_dir}. Stop "
            "it, or choose another directory with --data-dir or PACKMULE_DATA_DIR."
        )
    os.ftruncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)
    return os.fdopen(file, "r+b")


def _owner(path: Path) -> str:
    with suppress(OSError, ValueError):
        return f" (process {int(path.read_bytes())})"
    return ""
