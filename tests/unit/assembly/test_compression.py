"""Which entries are deflated, and that chunks made one by one are one stream of deflate."""

from __future__ import annotations

import random
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.assembly.compression import (
    WINDOW_BYTES,
    deflate,
    deflate_chunk,
    gains,
    is_worth_it,
    looks_random,
    may_gain,
)
from packmule.jobs.model import Compression

AUTO, STORE, DEFLATE = Compression.AUTO, Compression.STORE, Compression.DEFLATE
TEXT = b"".join(b"%d: one more line of a log\n" % number for number in range(4000))


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize(
    ("content_type", "name", "tried"),
    [
        ("text/plain", "a.txt", True),
        (None, "a", True),
        (None, "a.json", True),
        ("application/octet-stream", "a", True),
        ("audio/wav", "a.wav", True),
        ("image/svg+xml", "a.svg", True),
        ("image/png", "a", False),
        ("video/anything", "a", False),
        ("audio/mpeg", "a", False),
        ("application/octet-stream", "a.JPG", False),
        ("text/plain", "a.gz", False),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "a", False),
    ],
)
def test_with_auto_the_media_type_and_the_extension_tell_what_is_tried(
    content_type: str | None, name: str, *, tried: bool
) -> None:
    assert may_gain(AUTO, content_type, name) is tried
    assert may_gain(DEFLATE, content_type, name)
    assert not may_gain(STORE, content_type, name)


def test_auto_wants_a_tenth_and_deflate_a_byte() -> None:
    assert is_worth_it(AUTO, 100, 89)
    assert not is_worth_it(AUTO, 100, 90)
    assert is_worth_it(DEFLATE, 100, 99)
    assert not is_worth_it(DEFLATE, 100, 100)


def test_a_trial_tells_text_from_noise() -> None:
    assert gains(AUTO, TEXT)
    assert not gains(AUTO, noise(70_000))


@pytest.mark.parametrize("size", [512, 2000, 4096, 5000, 200_000])
def test_noise_gets_a_glance_and_text_is_tried_whole(size: int) -> None:
    assert looks_random(AUTO, noise(size))
    assert not looks_random(DEFLATE, noise(size))
    assert not looks_random(AUTO, TEXT[:size])
    assert not looks_random(AUTO, noise(size).hex().encode())


def test_a_body_with_noise_at_its_beginning_only_is_tried_whole() -> None:
    assert not looks_random(AUTO, noise(600) + TEXT)


def bodies() -> st.SearchStrategy[bytes]:
    kinds = st.sampled_from([TEXT, noise(90_000), bytes(90_000), TEXT[:40_000] + noise(50_000)])
    return st.builds(lambda body, size: body[:size], kinds, st.integers(0, 90_000))


@given(bodies(), st.lists(st.integers(0, 90_000), max_size=4))
def test_joined_chunks_are_one_stream_and_inflate_to_the_body(body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    made = [
        deflate_chunk(body[start:stop], body[:start][-WINDOW_BYTES:], last=stop == len(body))
        for start, stop in pairwise(edges)
    ]
    # An empty chunk at the end would be a second last one.
    last = next(index for index, stop in enumerate(edges[1:]) if stop == len(body))
    stream = zlib.decompressobj(-15)
    assert stream.decompress(b"".join(made[: last + 1])) == body
    assert stream.eof
    assert not stream.unused_data


@given(bodies())
def test_a_small_body_deflated_at_once_inflates_to_itself(body: bytes) -> None:
    assert zlib.decompress(deflate(body), -15) == body


def test_noise_hardly_grows() -> None:
    made = deflate_chunk(noise(256 * 1024), b"", last=True)
    assert len(made) <= 256 * 1024 + 256 * 1024 // 1000 + 1024
