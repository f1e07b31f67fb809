"""A deflate stream is inflated in bounded pieces, and must end where its bytes do."""

from __future__ import annotations

import random
import zlib

import pytest

from packmule.zipformat.inflating import DeflateError, inflate

BODIES = [b"", b"x", bytes(3_000_000), random.Random(1).randbytes(70_000)]


def deflated(body: bytes) -> bytes:
    deflating = zlib.compressobj(wbits=-15)
    return deflating.compress(body) + deflating.flush()


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("body", BODIES, ids=len)
@pytest.mark.parametrize("size", [1, 1_000, 1 << 20])
def test_pieces_are_bounded_however_the_stream_is_split(body: bytes, size: int) -> None:
    pieces = list(inflate(split(deflated(body), size), 1_000))
    assert b"".join(pieces) == body
    assert all(0 < len(piece) <= 1_000 for piece in pieces)


@pytest.mark.parametrize("lost", [1, 5, 70_000])
def test_a_stream_that_is_cut_off_is_an_error(lost: int) -> None:
    with pytest.raises(DeflateError, match="cut off"):
        list(inflate([deflated(BODIES[-1])[:-lost]], 1_000))


@pytest.mark.parametrize("apart", [True, False])
def test_bytes_behind_its_end_are_an_error(*, apart: bool) -> None:
    parts = [deflated(b"body"), b"more"]
    with pytest.raises(DeflateError, match="behind the end"):
        list(inflate(parts if apart else [b"".join(parts)], 1_000))


def test_a_damaged_stream_is_an_error() -> None:
    with pytest.raises(DeflateError, match="cannot be inflated"):
        list(inflate([b"\xff" * 100], 1_000))
