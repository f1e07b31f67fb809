"""Giving the blocks of a file's range back to the disk, which Python has no call for.

Owns that one call: fallocate(2) with FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE, by way of libc.
Where system or file system do not know it nothing is done: the scratch is larger then, and right.
"""

from __future__ import annotations

import ctypes
import errno

PAGE = 4096
_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02

_libc = ctypes.CDLL(None, use_errno=True)
# With 64-bit offsets on every platform that has it.
_fallocate = getattr(_libc, "fallocate64", None) or getattr(_libc, "fallocate", None)
if _fallocate is not None:
    _fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    _fallocate.restype = ctypes.c_int


def punch(descriptor: int, start: int, stop: int) -> bool:
    """Give back the whole pages within a range; False where that cannot be done here.

    What else the pages at its ends hold stays.
    """
    first = -(-start // PAGE) * PAGE
    length = stop // PAGE * PAGE - first
    if length <= 0:
        return True
    if _fallocate is None:
        return False
    while _fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, first, length) != 0:
        if ctypes.get_errno() != errno.EINTR:
            return False
    return True
