"""A file held open, of which what is in memory is read at once, with no thread and no waiting.

Owns asking the system for bytes only as far as it has them (preadv2(2), RWF_NOWAIT). Where the
system or the file system knows no such way, nothing is ever at hand, and who asks goes the long
way. One thread uses a file; after its end it is closed for all, as if nothing were at hand.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)


class OpenFile:
    """A file that is read as far as that takes no waiting. Raises OSError where it has none."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    @property
    def is_removed(self) -> bool:
        """Return whether no name leads to these bytes any more: removed, or another put there."""
        return self._descriptor is None or os.fstat(self._descriptor).st_nlink == 0

    def read(self, part: range, buffer: bytearray) -> bytes:
        """Return the beginning of a part, as far as it is in memory; nothing where none of it is.

        `buffer` is what it is read into first; no more than its length is given.
        """
        if self._descriptor is None or _NO_WAIT is None:
            return b""
        into = memoryview(buffer)[: len(part)]
        try:
            length = os.preadv(self._descriptor, [into], part.start, _NO_WAIT)
        except OSError:
            # EAGAIN: not in memory; EOPNOTSUPP: not known here; a fault shows again the long way.
            return b""
        return bytes(into[:length])

    def close(self) -> None:
        """Close the file; a second time is no error."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
