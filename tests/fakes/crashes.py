"""A folder as a crash leaves it: what a kill, a power cut or a full disk makes of files.

Owns watching what the program does to the files of one folder, by standing in for the functions of
`os` that change them. At each chosen operation the folder is copied as a crash would leave it; the
program goes on, unaware, and `restore` then puts a copy in the folder's place. So a crash costs no
process, and one run shows many. Leaves choosing the operations to the test.

- KILL: all that was written is there, and half of what is being written.
- CUT: what was synced is there; of the rest some, by chance.
- FULL: the operation fails with ENOSPC, and the program lives on.
"""

from __future__ import annotations

import errno
import os
import threading
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

_PAGE = 4096
_CHANGES = (
    "pwrite",
    "copy_file_range",
    "ftruncate",
    "truncate",
    "open",
    "rename",
    "replace",
    "unlink",
)
_SYNCS = ("fsync", "fdatasync")
_TAKE_ROOM = {"pwrite", "copy_file_range", "ftruncate", "open", "fsync", "fdatasync"}


class Kind(Enum):
    """What happens at the chosen operation."""

    KILL = "kill"
    CUT = "cut"
    FULL = "full"


def lay_out(files: dict[str, bytes], folder: Path) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        (folder / name).write_bytes(content)


class Crash:
    """A crash at operations of these numbers in `folder`; use it as a context around the program.

    `copies` are the folder's files as each would leave them. A disk is full but once.
    """

    def __init__(self, folder: Path, kind: Kind, at: Sequence[int], chance: random.Random) -> None:
        self.copies: list[dict[str, bytes]] = []
        self.happened = False
        self._folder = folder
        self._kind = kind
        self._at = set(at)
        self._number = 0
        self._chance = chance
        self._lock = threading.RLock()
        self._patch = pytest.MonkeyPatch()
        self._names: dict[str, int] = {}
        self._synced: dict[int, bytes] = {}
        self._real: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> Self:
        self._names = {path.name: path.stat().st_ino for path in self._folder.iterdir()}
        self._synced = {path.stat().st_ino: path.read_bytes() for path in self._folder.iterdir()}
        for name in (*_CHANGES, *_SYNCS):
            self._real[name] = getattr(os, name)
            self._patch.setattr(os, name, self._watched(name))
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def restore(self) -> None:
        """Have the folder be as the last crash left it, if there was one."""
        if self.copies:
            for path in self._folder.iterdir():
                path.unlink()
            lay_out(self.copies[-1], self._folder)

    def _watched(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def watched(*arguments: Any, **more: Any) -> Any:
            # As in copy_file_range(source, target, …), whose second is the file that changes.
            path = self._path_of(arguments[name == "copy_file_range"])
            creates = name == "open" and bool(arguments[1] & os.O_CREAT)
            if path is None or (name == "open" and not creates):
                return real(*arguments, **more)
            with self._lock:
                self._count(name, arguments)
                is_new = creates and not path.exists()
                result = real(*arguments, **more)
                if is_new:
                    self._synced[path.stat().st_ino] = b""
                if name in _SYNCS:
                    self._note_synced(path, arguments[0])
                return result

        return watched

    def _path_of(self, file: Any) -> Path | None:
        path = Path(f"/proc/self/fd/{file}").readlink() if isinstance(file, int) else Path(file)
        return path if self._folder in {path, path.parent} else None

    def _count(self, name: str, arguments: tuple[Any, ...]) -> None:
        number, self._number = self._number, self._number + 1
        if number not in self._at:
            return
        if self._kind is Kind.FULL:
            if name in _TAKE_ROOM and not self.happened:
                self.happened = True
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return
        self.happened = True
        if self._kind is Kind.CUT:
            self.copies.append(self._after_a_cut())
            return
        if name == "pwrite":
            file, data, offset = arguments
            half = len(data) // 2 // _PAGE * _PAGE if len(data) >= 2 * _PAGE else len(data) // 2
            if half and not offset % _PAGE:
                self._real["pwrite"](file, memoryview(data)[:half], offset)
        self.copies.append({path.name: path.read_bytes() for path in self._folder.iterdir()})

    def _note_synced(self, path: Path, file: int) -> None:
        if path == self._folder:
            self._names = {each.name: each.stat().st_ino for each in path.iterdir()}
            return
        found = os.fstat(file)
        self._synced[found.st_ino] = Path(f"/proc/self/fd/{file}").read_bytes()

    def _after_a_cut(self) -> dict[str, bytes]:
        written = {path.stat().st_ino: path.read_bytes() for path in self._folder.iterdir()}
        now = {path.name: path.stat().st_ino for path in self._folder.iterdir()}
        names = self._chance.choice([self._names, now])
        return {
            name: self._chance.choice(
                [self._synced.get(inode, b""), written.get(inode, self._synced.get(inode, b""))]
            )
            for name, inode in names.items()
        }
