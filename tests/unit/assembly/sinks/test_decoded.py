"""Bodies that an origin wraps: unwrapped whole, within bounds, and refused where they are wrong."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.resources import head

from packmule.assembly.disk.blocks import Pool
from packmule.assembly.sinks import decoded as module
from packmule.assembly.sinks.decoded import DecodedSink, coding_of
from packmule.errors import FailureCode
from packmule.outbound.receiver import BodyRefused

TEXT = b"".join(b"row %d\n" % number for number in range(30_000))


def raw(body: bytes) -> bytes:
    made = zlib.compressobj(6, zlib.DEFLATED, -15)
    return made.compress(body) + made.flush()


class FakeSink:
    """Another body, which takes nothing at every `balks`-th offer."""

    def __init__(self, balks: int = 0) -> None:
        self.taken = bytearray()
        self.is_finished = False
        self._balks = balks
        self._offers = 0

    @property
    def kept(self) -> int:
        return len(self.taken)

    def write(self, view: memoryview) -> bool:
        self._offers += 1
        if self._balks and self._offers % self._balks == 0:
            return True
        self.taken += view
        return False

    def rest(self) -> None:
        """Keep all."""

    def wake(self) -> None:
        """Nothing was counted."""

    def finish(self) -> None:
        self.is_finished = True

    def discard(self) -> None:
        self.taken.clear()


def decoded(coding: str, sink: FakeSink, pool: Pool | None = None) -> DecodedSink:
    return DecodedSink(coding, sink, pool or Pool(1), ratio=200.0, again=lambda: None)


def send(body: DecodedSink, data: bytes, piece: int) -> None:
    """Send pieces; one for which there is no room comes again whole, as libcurl does it."""
    for at in range(0, len(data), piece):
        view = memoryview(data)[at : at + piece]
        for _ in range(10_000):
            if not body.write(view):
                break
        else:
            raise AssertionError("it never goes on")


WRAPPED = {
    "gzip": ("gzip", gzip.compress(TEXT)),
    "x-gzip": ("x-gzip", gzip.compress(TEXT)),
    "members": ("gzip", b"".join(map(gzip.compress, (TEXT[:1000], b"", TEXT[1000:])))),
    "zlib": ("deflate", zlib.compress(TEXT)),
    "bare": ("deflate", raw(TEXT)),
}  # fmt: skip


@pytest.mark.parametrize("form", WRAPPED)
@given(piece=st.integers(1, 70_000), balks=st.sampled_from([0, 2, 3]))
def test_each_wrapper_is_undone_in_whatever_pieces_it_comes(
    form: str, piece: int, balks: int
) -> None:
    coding, data = WRAPPED[form]
    sink = FakeSink(balks)
    body = decoded(coding, sink)
    send(body, data, max(piece, len(data) // 200))
    body.finish()
    assert sink.is_finished
    assert bytes(sink.taken) == TEXT


def test_nothing_at_all_is_an_empty_file() -> None:
    sink = FakeSink()
    decoded("gzip", sink).finish()
    assert sink.is_finished


@pytest.mark.parametrize("form", WRAPPED)
def test_a_wrapper_that_is_cut_is_truncated(form: str) -> None:
    coding, data = WRAPPED[form]
    sink = FakeSink()
    body = decoded(coding, sink)
    send(body, data[:-5], 4096)
    with pytest.raises(BodyRefused) as refused:
        body.finish()
    assert refused.value.failure.code is FailureCode.TRUNCATED
    assert not sink.is_finished


@pytest.mark.parametrize("form", ["gzip", "zlib"])
def test_a_damaged_wrapper_is_a_bad_response(form: str) -> None:
    coding, data = WRAPPED[form]
    damaged = bytearray(data)
    damaged[-6] ^= 1
    with pytest.raises(BodyRefused) as refused:
        send(decoded(coding, FakeSink()), bytes(damaged), 4096)
    assert refused.value.failure.code is FailureCode.BAD_RESPONSE


@pytest.mark.parametrize("form", WRAPPED)
def test_what_follows_a_wrapper_is_a_bad_response(form: str) -> None:
    coding, data = WRAPPED[form]
    with pytest.raises(BodyRefused) as refused:
        send(decoded(coding, FakeSink()), data + b"and more", 1 << 20)
    assert refused.value.failure.code is FailureCode.BAD_RESPONSE


def test_a_bomb_is_refused_long_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FREE_BYTES", 1 << 20)
    sink = FakeSink()
    with pytest.raises(BodyRefused) as refused:
        send(decoded("gzip", sink), gzip.compress(bytes(40 << 20)), 512)
    assert refused.value.failure.code is FailureCode.TOO_LARGE
    assert len(sink.taken) < 2 << 20


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip"])
def test_a_coding_that_nobody_asked_for_and_we_cannot_undo_is_refused(coding: str) -> None:
    with pytest.raises(BodyRefused) as refused:
        coding_of(head(10, content_encoding=coding))
    assert refused.value.failure.code is FailureCode.BAD_RESPONSE


def test_a_file_that_is_gzip_itself_is_not_unwrapped() -> None:
    found = coding_of(head(10, content_encoding="gzip", content_type="application/gzip"))
    assert found is None


def test_a_break_keeps_the_decoder_and_the_next_try_goes_on() -> None:
    coding, data = WRAPPED["gzip"]
    pool, sink = Pool(1), FakeSink()
    body = decoded(coding, sink, pool)
    half = len(data) // 2
    send(body, data[:half], 1000)
    body.rest()
    assert pool.resting_bytes > 0
    assert body.kept == half
    body.wake()
    assert pool.resting_bytes == 0
    send(body, data[half:], 1000)
    body.finish()
    assert bytes(sink.taken) == TEXT


def test_a_break_in_the_middle_of_a_piece_begins_anew() -> None:
    data = gzip.compress(random.Random(1).randbytes(400_000))
    sink = FakeSink(balks=2)
    body = decoded("gzip", sink)
    assert body.write(memoryview(data))
    body.rest()
    assert body.kept == 0
    assert not sink.taken
