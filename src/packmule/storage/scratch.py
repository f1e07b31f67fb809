"""Scratch files: where an archive is assembled, by one run at a time.

Owns their names, and that no two runs ever write to one inode. Leaves what is in them to whoever
assembles, and what becomes of a finished one to the storage. The law:
docs/decisions/0009-fencing.md.

    <key>.<attempt>.zip      under assembly by that attempt
    <key>.<attempt>.zip.*    beside it, of the assembly's own

A run holds a lock on its file as long as it may write to it. The next one takes the file over with
its name, or, where the lock is still held, copies what is claimed to a file of its own.
"""

from __future__ import annotations

import errno
import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from packmule.durable_files import copy_range, is_at, sync_folder, try_lock
from packmule.errors import StaleAttempt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


# Seconds that a run which was killed may take to let go of its file; a frozen one never does.
_PATIENCE = 1.0
_LOOK_AGAIN = 0.02

# Each look but the first follows another run's step, of which few can follow one another.
_LOOKS = 100


@contextmanager
def claim(
    folder: Path,
    key: str,
    attempt: int,
    claimed: Iterable[tuple[int, int]],
    recorded_by: int = 0,
) -> Iterator[Path]:
    """Hold the scratch file of an attempt, with what earlier attempts have left in it.

    `claimed` are the ranges of bytes, in their order, that must be in it where they were in theirs.
    A file that nobody has begun is empty. `recorded_by` is the attempt whose checkpoint was the
    last: where only earlier ones have been here, what it tells of lies in another folder, and what
    lies here is of no use. Raises StaleAttempt where a later attempt has come.
    """
    descriptor = _take(folder, key, attempt, claimed, recorded_by)
    try:
        yield _path(folder, key, attempt)
    finally:
        os.close(descriptor)


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Hold a finished file while it is read, as `claim` does while it is written.

    Raises FileNotFoundError where it is not there any more, StaleAttempt where another holds it.
    """
    descriptor = _opened(path)
    try:
        if not _lock(descriptor, path):
            raise _overtaken()
        yield descriptor
    finally:
        os.close(descriptor)


def require(folder: Path, key: str, attempt: int, assembled: Path) -> None:
    """Raise FileNotFoundError where what an attempt has assembled is its own no longer.

    A rename of the scratch itself tells that by failing. A file beside it can be made at any time,
    also by an attempt that was frozen and has lost its scratch meanwhile. But it was there before
    this look at the scratch; so whoever takes or removes the scratch later finds the file too,
    since `remove` looks for it afterwards: a rename of it fails as well from then on.
    """
    mine = _path(folder, key, attempt)
    if assembled != mine and not mine.exists():
        assembled.unlink(missing_ok=True)
        raise FileNotFoundError(errno.ENOENT, "the scratch is gone", str(mine))


def remove(folder: Path, key: str, *, up_to: int | None = None) -> None:
    """Remove the scratch of a key, of attempts up to one where that is told.

    The scratch files go first, then what lies beside them: see `require`.
    """
    for number, path in _listed(folder, key):
        if path == _path(folder, key, number) and (up_to is None or number <= up_to):
            path.unlink(missing_ok=True)
    for number, path in _listed(folder, key):
        if up_to is None or number <= up_to:
            path.unlink(missing_ok=True)


def part_keys(folder: Path, key: str) -> set[str]:
    """List the keys of the parts of an archive that have scratch."""
    ours = re.compile(rf"({key}-\d+)\..+")
    return {match[1] for path in folder.glob(f"{key}-*") if (match := ours.fullmatch(path.name))}


def _path(folder: Path, key: str, attempt: int) -> Path:
    return folder / f"{key}.{attempt}.zip"


def _listed(folder: Path, key: str) -> list[tuple[int, Path]]:
    """List what lies in a key's name, with the attempt it is of."""
    ours = re.compile(rf"{key}\.(\d+)\.zip(\..+)?")
    found = [(ours.fullmatch(path.name), path) for path in folder.glob(f"{key}.*")]
    return [(int(match[1]), path) for match, path in found if match]


def _latest(folder: Path, key: str) -> int | None:
    """Return the latest attempt that has a scratch file."""
    numbers = (n for n, path in _listed(folder, key) if path == _path(folder, key, n))
    return max(numbers, default=None)


def _take(
    folder: Path, key: str, attempt: int, claimed: Iterable[tuple[int, int]], recorded_by: int
) -> int:
    """Return the locked descriptor of the attempt's file, which is there when this returns."""
    for looks_left in reversed(range(_LOOKS)):
        try:
            descriptor = _look(folder, key, attempt, claimed, recorded_by)
            break
        except FileNotFoundError:
            # Another run was quicker: what was there has another name by now.
            if not looks_left:
                raise
    with _kept(descriptor):
        remove(folder, key, up_to=attempt - 1)
        return descriptor


def _look(
    folder: Path, key: str, attempt: int, claimed: Iterable[tuple[int, int]], recorded_by: int
) -> int:
    """Find the latest file and make it the attempt's; FileNotFoundError where it is gone again."""
    latest = _latest(folder, key)
    if latest is not None and latest > attempt:
        raise _overtaken()
    mine = _path(folder, key, attempt)
    if latest is None or latest == attempt or latest < recorded_by:
        with _kept(_opened(mine, os.O_CREAT)) as descriptor:
            if not _lock(descriptor, mine):
                raise _overtaken()
            return descriptor
    found = _path(folder, key, latest)
    with _kept(_opened(found)) as descriptor:
        if _lock(descriptor, found, patience=_PATIENCE):
            found.rename(mine)
            return descriptor
        copy = _copied(descriptor, mine, claimed)
    os.close(descriptor)
    return copy


def _opened(path: Path, more: int = 0) -> int:
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | more, 0o644)


@contextmanager
def _kept(descriptor: int) -> Iterator[int]:
    """Close a descriptor at an error only."""
    try:
        yield descriptor
    except BaseException:
        os.close(descriptor)
        raise


def _lock(descriptor: int, path: Path, *, patience: float = 0.0) -> bool:
    """Lock a file for as long as it is open; False where another run holds it so many seconds.

    FileNotFoundError where it was taken away from its path between opening and locking.
    """
    deadline = time.monotonic() + patience
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_AGAIN)
    if not is_at(descriptor, path):
        raise FileNotFoundError(errno.ENOENT, "another file is there now", str(path))
    return True


def _copied(source: int, path: Path, claimed: Iterable[tuple[int, int]]) -> int:
    """Copy ranges to the same places of a new, locked file; durably, before it has its name."""
    unnamed = path.with_name(f"{path.name}.copy")
    try:
        with _kept(_opened(unnamed, os.O_CREAT | os.O_TRUNC)) as copy:
            try_lock(copy)  # nobody else knows of it
            for start, stop in claimed:
                if copy_range(source, start, stop - start, copy, start) < stop - start:
                    break
            os.fsync(copy)
            unnamed.rename(path)
            sync_folder(path.parent)
            return copy
    except OSError:
        unnamed.unlink(missing_ok=True)
        raise


def _overtaken() -> StaleAttempt:
    return StaleAttempt("A later run assembles this archive now.")
