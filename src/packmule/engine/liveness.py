"""Which workers of this machine are alive: each holds a lock on a file of its own.

Owns the folder beside the database and the names in it; leaves leases to `queue.py`. The kernel
lets go of a lock the moment its process is gone, however it died, so that its tasks can be taken
over without waiting for their leases. Unlike a process id, a lock is never another's, and holds
across containers. SQLite's WAL needs shared memory: all workers of one database file are on one
machine, and see each other's locks. A stopped process keeps its lock; its lease runs out.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.durable_files import open_locked, try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator


class Unlocked:
    """Knows nothing of other workers: where they can't see each other, only leases decide."""

    @contextmanager
    def present(self) -> Iterator[str]:
        """Draw a name for this worker."""
        yield _new_name()

    def is_gone(self, _name: str) -> bool:
        """Return whether that worker is surely dead; False if unknown."""
        return False


class LockFiles:
    """Workers' locks in a folder, which is made where missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def present(self) -> Iterator[str]:
        """Draw a name for this worker, and hold its lock until the context ends."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        name = _new_name()
        descriptor = _hold(self._folder / name)
        try:
            yield name
        finally:
            (self._folder / name).unlink(missing_ok=True)
            os.close(descriptor)

    def is_gone(self, name: str) -> bool:
        """Return whether that worker is surely dead: its file is free, or is there no more.

        A free one is removed, under its lock: so nobody removes one that was taken meanwhile.
        """
        path = self._folder / Path(name).name
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except OSError:  # no descriptor is free, for one: nothing is known
            return False
        try:
            if not try_lock(descriptor):
                return False
        except OSError:  # not to be locked for now
            return False
        else:
            with suppress(OSError):  # whether or not it goes
                path.unlink()
            return True
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        for path in self._folder.iterdir():
            self.is_gone(path.name)


def _new_name() -> str:
    return f"{os.getpid()}-{secrets.token_hex(8)}"


def _hold(path: Path) -> int:
    """Create and lock the file; repeat if a sweep removed it between the two."""
    descriptor = open_locked(path, wait=True)
    assert descriptor is not None  # noqa: S101 - it was waited for
    return descriptor
