"""stream-unzip: front to back."""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from stream_unzip import stream_unzip

PIECE = 1 << 16


def pieces() -> Iterator[bytes]:
    """Read the archive."""
    with Path(sys.argv[1]).open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


for name, _, body in stream_unzip(pieces(), chunk_size=PIECE):
    digest, size = hashlib.sha256(), 0
    for piece in body:
        digest.update(piece)
        size += len(piece)
    sys.stdout.write(f"{digest.hexdigest()} {size} {name.hex()}\n")
