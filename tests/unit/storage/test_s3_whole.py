"""A finished file is sent in parts, each once, and none after one that failed."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from packmule.errors import StorageFailed
from packmule.storage.s3_whole import upload_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

CELL = 1_000


class FakeStream:
    """Takes parts in memory, and refuses from one number on."""

    def __init__(self, refused: int = 1_000) -> None:
        self.refused = refused
        self.parts: dict[int, bytes] = {}
        self.lock = threading.Lock()

    def cell_bytes(self, _expected: float) -> int:
        return CELL

    def begin(self, cell: int) -> str:
        return f"of {cell}"

    def send(
        self,
        upload: str,
        number: int,
        read: Callable[[int, int], bytes],
        extents: Sequence[tuple[int, int]],
        ended: threading.Event,
    ) -> str:
        assert upload == f"of {CELL}"
        if number >= self.refused or ended.is_set():
            raise StorageFailed("refused")
        body = b"".join(read(start, stop - start) for start, stop in extents)
        with self.lock:
            assert number not in self.parts
            self.parts[number] = body
        return f"tag {number}"

    def publish(self, _upload: str, etags: Mapping[int, str], size: int) -> tuple[bytes, int]:
        assert dict(etags) == {number: f"tag {number}" for number in self.parts}
        return b"".join(self.parts[number] for number in sorted(self.parts)), size


def upload(folder: Path, stream: FakeStream, body: bytes) -> Any:
    path = folder / "archive.zip"
    path.write_bytes(body)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return upload_whole(cast("Any", stream), descriptor, len(body))
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("size", [1, CELL - 1, CELL, CELL + 1, 25 * CELL + 7])
def test_every_byte_is_sent_once(tmp_path: Path, size: int) -> None:
    body = os.urandom(size)
    stream = FakeStream()
    assert upload(tmp_path, stream, body) == (body, size)
    assert len(stream.parts) == -(-size // CELL)


def test_a_part_that_is_refused_ends_the_upload(tmp_path: Path) -> None:
    stream = FakeStream(refused=3)
    with pytest.raises(StorageFailed, match="refused"):
        upload(tmp_path, stream, bytes(100 * CELL))
    assert set(stream.parts) <= {1, 2}
