"""The control: the same names and bytes in an archive by another's hand, Python's zipfile.

Owns proving that a reader's limit is the reader's: what it cannot read of ours it cannot read of
this one either. Sparse, where the bytes are.
"""

from __future__ import annotations

import io
import os
import zipfile
from typing import TYPE_CHECKING

from tests.readers.laid import is_hole

if TYPE_CHECKING:
    from pathlib import Path

    from tests.readers.bodies import Truth

A_MOMENT = (2024, 6, 1, 12, 8, 16)


class SparseFile(io.FileIO):
    """A file that leaves out runs of zeros when it is written."""

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]  # all we are given
        """Write, or go over zeros."""
        if not is_hole(data):
            return super().write(data)
        self.seek(len(data), os.SEEK_CUR)
        return len(data)


def write_control(truth: Truth, archive: Path, *, deflated: bool) -> None:
    """Write the same content with Python's zipfile."""
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with SparseFile(archive, "w") as file, zipfile.ZipFile(file, "w", method) as made:
        for name, body in truth.items():
            info = zipfile.ZipInfo(name, A_MOMENT)
            info.compress_type = method
            info.file_size = body.size
            with made.open(info, "w", force_zip64=body.size >= zipfile.ZIP64_LIMIT) as out:
                for piece in body.pieces():
                    out.write(piece)
