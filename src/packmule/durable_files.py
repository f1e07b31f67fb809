"""Durable file operations: what survives a power cut, and files that one process holds at a time.

Owns the few patterns whose details are easy to get wrong: a name is durable only once its folder
was synced; a lock counts only if the file is still at its path afterwards; ranges are copied within
the kernel where it can. Leaves what an error means to the caller: every function raises OSError.
Standard library only. POSIX: fsync(2), flock(2), copy_file_range(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A file system, or a pair of them, on which the kernel does not copy ranges.
_CANNOT_COPY = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_COPY_STEP = 64 * 1024 * 1024
_COPY_STEP_BY_HAND = 1024 * 1024

# A file system that knows no second name of a file.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})

# A file system that knows no locks.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})


def sync_data(file: int) -> None:
    """Make the bytes of an open file, and its length, survive a power cut.

    By fdatasync, which leaves times alone and so costs half; macOS has fsync only.
    """
    getattr(os, "fdatasync", os.fsync)(file)


def sync_file(path: Path) -> None:
    """Make a file's bytes survive a power cut."""
    _sync(path, os.O_RDWR)


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    file = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each one durably in the one above."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def rename(source: Path, target: Path) -> None:
    """Rename a file, whose bytes are synced, durably; what had the name before is replaced."""
    source.replace(target)
    sync_folder(target.parent)


def rename_new(source: Path, target: Path) -> None:
    """Rename a file, whose bytes are synced, durably; raise FileExistsError if the name is taken.

    A kill may leave the file with both names.
    """
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Without links there is no such rename in the standard library: only a late look.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        source.replace(target)
    else:
        source.unlink()
    sync_folder(target.parent)


def write_at(file: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of the data at an offset of an open file."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view = view[written:]
        offset += written


def copy_range(source: int, start: int, length: int, target: int, offset: int) -> int:
    """Copy bytes from `start` of one open file to `offset` of another, in the kernel if possible.

    Return how many were copied: fewer than `length` only where the source ends.
    """
    copied = 0
    while copied < length:
        step = min(length - copied, _COPY_STEP)
        try:
            done = os.copy_file_range(source, target, step, start + copied, offset + copied)
        except (OSError, AttributeError) as error:  # macOS has no such call
            if isinstance(error, OSError) and error.errno not in _CANNOT_COPY:
                raise
            data = os.pread(source, min(step, _COPY_STEP_BY_HAND), start + copied)
            write_at(target, data, offset + copied)
            done = len(data)
        if not done:
            break
        copied += done
    return copied


def is_at(file: int, path: Path) -> bool:
    """Return whether an open file is the one at that path, not one that was there before."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def try_lock(file: int, *, required: bool = True) -> bool:
    """Lock an open file until it is closed, or its process ends; False if another one holds it.

    With `required=False` a file system without locks counts as if nobody else were there.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if required or error.errno not in _NO_LOCKS:
            raise
    return True


class NotOurFile(OSError):
    """What is at a path is no regular file, or belongs to another user; the message names it."""


def open_own(path: Path, *, mode: int = 0o644) -> int:
    """Open a regular file of this user for reading and writing, made where missing.

    Symbolic links are not followed, so that nobody else in a shared folder decides what is written
    to. Raises NotOurFile.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        try:
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            pass
        try:
            # Neither waiting for a pipe's other end, nor making a terminal this process's own.
            file = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
        except FileNotFoundError:
            continue  # removed since
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENXIO, errno.EISDIR}:
                what = "a symbolic link" if path.is_symlink() else "not a regular file"
                raise NotOurFile(error.errno, f"{path} is {what}") from error
            raise
        status = os.fstat(file)
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
            return file
        os.close(file)
        is_file = stat.S_ISREG(status.st_mode)
        what = "belongs to another user" if is_file else "is not a regular file"
        raise NotOurFile(errno.EPERM, f"{path} {what}")


def open_locked(
    path: Path, *, mode: int = 0o644, required: bool = True, wait: bool = False
) -> int | None:
    """Open a file as `open_own` does, and lock it; None if another process holds it.

    With `wait` it is waited for. `required` is as in `try_lock`.
    """
    while True:
        file = open_own(path, mode=mode)
        try:
            if wait:
                fcntl.flock(file, fcntl.LOCK_EX)
            elif not try_lock(file, required=required):
                os.close(file)
                return None
            # Between open and lock its holder may have removed it or put another in its place.
            found = is_at(file, path)
        except BaseException:
            os.close(file)
            raise
        if found:
            return file
        os.close(file)
