"""A finished file becomes an object in parts, as a part of a split archive does once it is whole.

Owns how many go at once. Leaves a part's way to `s3_stream.py`. What a kill leaves in the bucket is
aborted when the archive is completed or removed.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from packmule.storage.interface import StoredArchive
    from packmule.storage.s3_stream import S3Stream

_AT_ONCE: Final = 4


def upload_whole(stream: S3Stream, descriptor: int, size: int) -> StoredArchive:
    """Send `size` bytes of an open file, and make the object of them. Raises StorageFailed."""
    cell = stream.cell_bytes(size)
    upload, ended = stream.begin(cell), Event()

    def send(begin: int) -> str:
        extent = begin, min(begin + cell, size)
        return stream.send(upload, begin // cell + 1, read, [extent], ended)

    def read(offset: int, length: int) -> bytes:
        return os.pread(descriptor, length, offset)

    with ThreadPoolExecutor(_AT_ONCE, "part-upload") as threads:
        try:
            etags = dict(enumerate(threads.map(send, range(0, size, cell)), 1))
        except BaseException:
            ended.set()  # the others need not go on to their ends
            threads.shutdown(cancel_futures=True)
            raise
    return stream.publish(upload, etags, size)
