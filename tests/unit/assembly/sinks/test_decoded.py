"""Bodies that an origin wraps: unwrapped whole, within bounds, and refused where they are wrong."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.assembly.content_coding import Wrapper
from packmule.assembly.disk.blocks import Pool
from packmule.assembly.sinks import decoded as module
from packmule.assembly.sinks.decoded import DecodedSink, decode_small
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

    def tail(self, length: int) -> bytes:
        return bytes(self.taken[-length:])

    def rest(self) -> None:
        """Keep all."""

    def wake(self) -> None:
        """Nothing was counted."""

    def finish(self) -> None:
        self.is_finished = True

    def discard(self) -> None:
        self.taken.clear()


def decoded(wrapper: Wrapper, sink: FakeSink, pool: Pool | None = None) -> DecodedSink:
    return DecodedSink(
        [wrapper], sink, pool or Pool(1), limit=1 << 30, ratio=200.0, again=lambda: None
    )


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
    "gzip": (Wrapper.GZIP, gzip.compress(TEXT)),
    "members": (Wrapper.GZIP, b"".join(map(gzip.compress, (TEXT[:1000], b"", TEXT[1000:])))),
    "zlib": (Wrapper.ZLIB, zlib.compress(TEXT)),
    "bare": (Wrapper.RAW_DEFLATE, raw(TEXT)),
}  # fmt: skip


@pytest.mark.parametrize("form", WRAPPED)
@given(piece=st.integers(1, 70_000), balks=st.sampled_from([0, 2, 3]))
def test_each_wrapper_is_undone_in_whatever_pieces_it_comes(
    form: str, piece: int, balks: int
) -> None:
    wrapper, data = WRAPPED[form]
    sink = FakeSink(balks)
    body = decoded(wrapper, sink)
    send(body, data, max(piece, len(data) // 200))
    body.finish()
    assert sink.is_finished
    assert bytes(sink.taken) == TEXT


def test_nothing_at_all_is_an_empty_file() -> None:
    sink = FakeSink()
    decoded(Wrapper.GZIP, sink).finish()
    assert sink.is_finished


@pytest.mark.parametrize("form", WRAPPED)
def test_a_wrapper_that_is_cut_is_truncated(form: str) -> None:
    wrapper, data = WRAPPED[form]
    sink = FakeSink()
    body = decoded(wrapper, sink)
    send(body, data[:-5], 4096)
    with pytest.raises(BodyRefused) as refused:
        body.finish()
    assert refused.value.failure.code is FailureCode.TRUNCATED
    assert not sink.is_finished


@pytest.mark.parametrize("form", ["gzip", "zlib"])
def test_a_damaged_wrapper_is_a_bad_response(form: str) -> None:
    wrapper, data = WRAPPED[form]
    damaged = bytearray(data)
    damaged[-6] ^= 1
    with pytest.raises(BodyRefused) as refused:
        send(decoded(wrapper, FakeSink()), bytes(damaged), 4096)
    assert refused.value.failure.code is FailureCode.BAD_RESPONSE


@pytest.mark.parametrize("form", WRAPPED)
@pytest.mark.parametrize("rest", [b"\r\n", bytes(10), b"\x1f", b"\x1fand more"], ids=repr)
@given(piece=st.integers(1, 70_000))
def test_what_follows_a_wrapper_is_ignored(form: str, rest: bytes, piece: int) -> None:
    wrapper, data = WRAPPED[form]
    sink = FakeSink()
    body = decoded(wrapper, sink)
    send(body, data + rest, max(piece, len(data) // 200))
    body.finish()
    assert bytes(sink.taken) == TEXT
    assert body.kept == len(data + rest)


def test_two_wrappers_are_removed_one_after_the_other() -> None:
    sink = FakeSink(balks=3)
    body = DecodedSink(
        [Wrapper.GZIP, Wrapper.ZLIB], sink, Pool(1), limit=1 << 30, ratio=200.0, again=lambda: None
    )
    send(body, gzip.compress(zlib.compress(TEXT)), 999)
    body.finish()
    assert bytes(sink.taken) == TEXT


@pytest.mark.parametrize(
    ("form", "says"), [("gzip", True), ("members", True), ("zlib", True), ("bare", False)]
)
def test_only_a_checksum_says_that_all_has_come(form: str, says: bool) -> None:  # noqa: FBT001
    wrapper, data = WRAPPED[form]
    body = decoded(wrapper, FakeSink())
    assert not body.has_ended
    send(body, data[:-1], 5000)
    assert not body.has_ended
    send(body, data[-1:], 1)
    assert body.has_ended is says


def test_more_bytes_than_a_file_may_have_are_refused_whatever_they_decode_to() -> None:
    body = DecodedSink(
        [Wrapper.GZIP], FakeSink(), Pool(1), limit=1000, ratio=200.0, again=lambda: None
    )
    with pytest.raises(BodyRefused) as refused:
        send(body, gzip.compress(b"x") + bytes(2000), 100)
    assert refused.value.failure.code is FailureCode.TOO_LARGE


def test_a_short_body_is_decoded_at_once() -> None:
    assert b"".join(decode_small([Wrapper.GZIP], gzip.compress(b"abc"), 10)) == b"abc"
    assert decode_small([], b"abc", 3) == [b"abc"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (gzip.compress(b"abc")[:-1], FailureCode.TRUNCATED),
        (gzip.compress(b"abc")[:-1] + b"?", FailureCode.BAD_RESPONSE),
        (gzip.compress(bytes(11)), FailureCode.TOO_LARGE),
    ],
    ids=["cut", "damaged", "long"],
)
def test_a_short_body_that_is_wrong_is_refused(body: bytes, code: FailureCode) -> None:
    with pytest.raises(BodyRefused) as refused:
        decode_small([Wrapper.GZIP], body, 10)
    assert refused.value.failure.code is code


def test_a_bomb_is_refused_long_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FREE_BYTES", 1 << 20)
    sink = FakeSink()
    with pytest.raises(BodyRefused) as refused:
        send(decoded(Wrapper.GZIP, sink), gzip.compress(bytes(40 << 20)), 512)
    assert refused.value.failure.code is FailureCode.TOO_LARGE
    assert len(sink.taken) < 2 << 20


def test_a_break_keeps_the_decoder_and_the_next_try_goes_on() -> None:
    wrapper, data = WRAPPED["gzip"]
    pool, sink = Pool(1), FakeSink()
    body = decoded(wrapper, sink, pool)
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
    body = decoded(Wrapper.GZIP, sink)
    assert body.write(memoryview(data))
    body.rest()
    assert body.kept == 0
    assert not sink.taken
