"""Whether a file is being read: by anybody who has it open, or lately in pieces.

Owns both answers. That a file is open, in whatever process, the system says itself: it grants a
write lease (fcntl(2), F_SETLEASE) on a file that nobody else has open. A download that is gone on
with in pieces has it open only now and then; so each request for it is noted as the file's access
time, which nothing else here looks at. The modification time, of which the entity tag is made,
stays.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def note_read(path: Path) -> None:
    """Record that a file was asked for now, where that can be recorded."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.utime(descriptor, ns=(time.time_ns(), os.fstat(descriptor).st_mtime_ns))
        finally:
            os.close(descriptor)


def is_read(path: Path, within: float) -> bool:
    """Return whether a file is open now, or was asked for within so many seconds.

    Where the file system knows no leases, only the second is looked at. Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # In the future if the clock was set back since: what is near is what counts.
        age = abs(time.time() - os.fstat(descriptor).st_atime)
        return age < within or _is_open_elsewhere(descriptor)
    finally:
        os.close(descriptor)


def _is_open_elsewhere(descriptor: int) -> bool:
    try:
        # Whoever opens it in this moment waits for the next one. The lease's holder is told by a
        # signal: one that is ignored, not SIGIO, which would end the process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
