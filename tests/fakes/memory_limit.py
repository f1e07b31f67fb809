"""A limit of memory as a container has it: a control group of the kernel's, for root only.

Owns making and removing the group, in either version of the interface; what is in it counts with
its page cache, which the kernel drops first. What needs more is killed.

The law: https://docs.kernel.org/admin-guide/cgroup-v2.html (memory) and
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path("/sys/fs/cgroup")
_PATIENCE = 10.0


@dataclass(frozen=True)
class MemoryLimit:
    """A group with a limit."""

    folder: Path
    most: int
    """Bytes."""

    @property
    def around(self) -> list[str]:
        """The command before a command that is to run in it."""
        enter = 'echo $$ >"$0" && exec "$@"'
        return ["sh", "-c", enter, str(self.folder / "cgroup.procs")]

    def kills(self) -> int:
        """Count the processes that have been killed because they needed more."""
        for name in ("memory.events", "memory.oom_control"):
            with suppress(FileNotFoundError):
                lines = (self.folder / name).read_text().splitlines()
                return int(next(line for line in lines if line.startswith("oom_kill ")).split()[1])
        raise AssertionError("the kernel does not count the processes that it kills")


@contextmanager
def memory_limit(most: int) -> Iterator[MemoryLimit]:
    """Make a group with a limit in bytes, until the end of the context.

    Raises OSError where groups cannot be made: not as root, or in most containers.
    """
    is_v1 = (_ROOT / "memory").is_dir()
    parent = _ROOT / "memory" if is_v1 else _ROOT
    if not is_v1:
        (parent / "cgroup.subtree_control").write_text("+memory")
    folder = parent / f"packmule-{os.getpid()}-{secrets.token_hex(3)}"
    folder.mkdir()
    try:
        (folder / ("memory.limit_in_bytes" if is_v1 else "memory.max")).write_text(str(most))
        yield MemoryLimit(folder, most)
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a group as soon as its processes are gone."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
