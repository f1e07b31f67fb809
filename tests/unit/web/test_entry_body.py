"""A slice of stored bytes is bytes of its own, and a deflated one is inflated piece by piece."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING

import pytest

from packmule.errors import StorageFailed
from packmule.storage.local import LocalBytes
from packmule.web.entry_body import SlicedBytes, inflate_slice

if TYPE_CHECKING:
    from pathlib import Path

BODIES = [b"", b"x", bytes(3_000_000), random.Random(1).randbytes(700_000)]


def deflated(body: bytes) -> bytes:
    deflating = zlib.compressobj(wbits=-15)
    return deflating.compress(body) + deflating.flush()


def between(folder: Path, body: bytes) -> SlicedBytes:
    """Return a slice with other bytes on both sides."""
    path = folder / "archive"
    path.write_bytes(b"before" + body + b"after")
    return SlicedBytes(LocalBytes(path), range(6, 6 + len(body)))


def test_a_slice_is_read_from_its_own_first_byte(tmp_path: Path) -> None:
    reader = between(tmp_path, b"0123456789").open()
    assert reader.read(range(10), 100) == b"0123456789"
    assert reader.read(range(3, 9), 4) == b"3456"
    reader.close()


@pytest.mark.parametrize("body", BODIES, ids=len)
def test_a_body_is_inflated_in_bounded_pieces(tmp_path: Path, body: bytes) -> None:
    packed = deflated(body)
    pieces = list(inflate_slice(between(tmp_path, packed), len(packed)))
    assert b"".join(pieces) == body
    assert all(0 < len(piece) <= 256 * 1024 for piece in pieces)


def test_a_stream_that_is_cut_off_or_damaged_is_an_error(tmp_path: Path) -> None:
    packed = deflated(BODIES[-1])
    with pytest.raises(StorageFailed, match="cut off"):
        list(inflate_slice(between(tmp_path, packed[:-5]), len(packed) - 5))
    with pytest.raises(StorageFailed, match="cannot be inflated"):
        list(inflate_slice(between(tmp_path, b"\xff" * 100), 100))
