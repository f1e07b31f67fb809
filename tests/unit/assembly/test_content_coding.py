"""Which codings are undone: a table of names, claims and bodies."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.assembly.content_coding import (
    PEEK_BYTES,
    CodingUnsupportedError,
    Wrapper,
    may_be_coded,
    wrappers_to_undo,
)

TEXT = b"".join(b"row %d\n" % number for number in range(3000))
GZIPPED = gzip.compress(TEXT)
TWICE = gzip.compress(GZIPPED)
GZIP, ZLIB, RAW = Wrapper.GZIP, Wrapper.ZLIB, Wrapper.RAW_DEFLATE
BARE = zlib.compress(TEXT, wbits=-15)
ZSTD = b"\x28\xb5\x2f\xfd" + TEXT

TABLE = [
    # The claim is true, and the file was meant without it.
    ("data.csv", "gzip", None, GZIPPED, (GZIP,)),
    ("data.csv", "x-gzip", None, GZIPPED, (GZIP,)),
    ("data", "gzip", "text/csv", GZIPPED, (GZIP,)),
    ("photo.jpg", "gzip", "image/jpeg", GZIPPED, (GZIP,)),
    ("data.csv", "deflate", None, zlib.compress(TEXT), (ZLIB,)),
    ("data.csv", "deflate", None, BARE, (RAW,)),
    ("data.csv", "deflate", None, GZIPPED, (GZIP,)),
    # The name or the type carries the coding itself.
    ("app.tar.gz", "gzip", "application/octet-stream", GZIPPED, ()),
    ("app.tar.gz", "x-gzip", "application/x-tar", GZIPPED, ()),
    ("app.TGZ", "gzip", None, GZIPPED, ()),
    ("drawing.svgz", "gzip", "image/svg+xml", GZIPPED, ()),
    ("download", "gzip", "application/gzip", GZIPPED, ()),
    ("download", "gzip", "application/x-compressed-tar", GZIPPED, ()),
    ("reads.bam", "gzip", "application/octet-stream", GZIPPED, ()),
    ("serde-1.0.crate", "x-gzip", "application/gzip", GZIPPED, ()),
    # The name says that the file is something else than what the type says twice.
    ("data.csv", "gzip", "application/gzip", GZIPPED, (GZIP,)),
    ("reads.bam", "gzip", "application/octet-stream", TWICE, (GZIP,)),
    # So does that name, but the bytes were compressed once more on the way.
    ("app.tar.gz", "gzip", None, TWICE, (GZIP,)),
    ("app.tar.gz", "gzip, gzip", None, TWICE, (GZIP,)),
    ("app.tar.gz", "deflate", None, zlib.compress(GZIPPED), (ZLIB,)),
    # No codings.
    ("data.csv", "aws-chunked", None, TEXT, ()),
    ("data.csv", "utf-8", None, TEXT, ()),
    ("data.csv", "none", None, GZIPPED, ()),
    ("data.csv", "binary", None, TEXT, ()),
    ("data.csv", "aws-chunked, gzip", None, GZIPPED, (GZIP,)),
    ("data.csv", "gzip, aws-chunked", None, GZIPPED, (GZIP,)),
    # The claim is not true.
    ("data.csv", "gzip", None, TEXT, ()),
    ("data.csv", "gzip", None, b"", ()),
    ("data.csv", "gzip", None, b"\x1f", ()),
    ("data.csv", "deflate", None, TEXT, ()),
    ("data.csv", "deflate", None, b"", ()),
    ("data.csv", "deflate", None, b"x", ()),
    ("data.csv", "deflate", None, b"x\x9c" + TEXT, ()),
    ("data.csv", "deflate", None, zlib.compress(b"", wbits=-15), (RAW,)),
    ("data.csv", "zstd", None, TEXT, ()),
    ("data.csv", "compress", None, TEXT, ()),
    # Several.
    ("data.csv", "gzip, gzip", None, TWICE, (GZIP, GZIP)),
    ("data.csv", "gzip, gzip", None, GZIPPED, (GZIP,)),
    ("data.csv", "deflate, gzip", None, gzip.compress(zlib.compress(TEXT)), (GZIP, ZLIB)),
    ("data.csv", "gzip, deflate", None, GZIPPED, (GZIP,)),
    # Damaged behind its beginning: the damage shows when it is undone.
    ("data.csv", "gzip", None, GZIPPED[:20] + b"\xff" * 2000, (GZIP,)),
    # Formats that no library here decodes, but that the file itself has.
    ("data.zst", "zstd", None, ZSTD, ()),
    ("page.html.br", "br", None, TEXT, ()),
    ("old.Z", "compress", None, b"\x1f\x9d" + TEXT, ()),
]


@pytest.mark.parametrize(
    ("name", "codings", "content_type", "body", "expected"),
    TABLE,
    ids=map(str, range(len(TABLE))),
)
def test_what_is_undone(
    name: str,
    codings: str,
    content_type: str | None,
    body: bytes,
    expected: tuple[Wrapper, ...],
) -> None:
    claimed = codings.split(", ")
    assert wrappers_to_undo(claimed, name, content_type, body[:PEEK_BYTES]) == expected


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", TEXT),
        ("br", b""),
        ("zstd", ZSTD),
        ("compress", b"\x1f\x9d" + TEXT),
        ("x-compress", b"\x1f\x9d" + TEXT),
        ("dcb", b"\xff\x44\x43\x42" + TEXT),
        ("dcz", b"\x5e\x2a\x4d\x18" + TEXT),
    ],
    ids=["br", "br-empty", "zstd", "compress", "x-compress", "dcb", "dcz"],
)
def test_a_coding_that_cannot_be_undone_is_named(coding: str, body: bytes) -> None:
    with pytest.raises(CodingUnsupportedError) as refused:
        wrappers_to_undo([coding], "data.csv", None, body)
    assert refused.value.coding == coding


def test_an_unsupported_coding_inside_another_is_found() -> None:
    with pytest.raises(CodingUnsupportedError) as refused:
        wrappers_to_undo(["zstd", "gzip"], "data.csv", None, gzip.compress(ZSTD)[:PEEK_BYTES])
    assert refused.value.coding == "zstd"


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "zstd", "x-compress"])
def test_a_registered_coding_is_worth_a_look(coding: str) -> None:
    assert may_be_coded(["utf-8", coding])


def test_other_tokens_are_not() -> None:
    assert not may_be_coded(["utf-8", "aws-chunked"])
    assert not may_be_coded([])


@given(
    st.lists(st.sampled_from(["gzip", "deflate", "zstd", "none"]), max_size=4),
    st.binary(max_size=PEEK_BYTES),
)
def test_no_more_is_undone_than_is_claimed(codings: list[str], first: bytes) -> None:
    try:
        wrappers = wrappers_to_undo(codings, "name", None, first)
    except CodingUnsupportedError:
        return
    assert len(wrappers) <= len(codings) - codings.count("none") - codings.count("zstd")


@pytest.mark.parametrize(("wrapper", "bits"), [("GZIP", 31), ("ZLIB", 15), ("RAW_DEFLATE", -15)])
def test_a_wrapper_is_undone_however_far_back_its_bytes_refer(wrapper: str, bits: int) -> None:
    body = random.Random(1).randbytes(30_000) * 2
    deflater = zlib.compressobj(wbits=bits)
    packed = deflater.compress(body) + deflater.flush()
    assert len(packed) < 40_000
    assert zlib.decompress(packed, Wrapper[wrapper].value) == body


def test_two_bytes_are_enough_to_know_zlibs_wrapper() -> None:
    assert wrappers_to_undo(["deflate"], "a.txt", None, b"\x78\x9c") == (Wrapper.ZLIB,)


DAMAGED = b"\x1f\x8b\xff\xff" + bytes(20)


@pytest.mark.parametrize(
    ("codings", "name", "wrappers"),
    [(["gzip"], "a.gz", ()), (["gzip", "gzip"], "a.txt", (Wrapper.GZIP,))],
)
def test_a_damaged_beginning_is_judged_all_the_same(
    codings: list[str], name: str, wrappers: tuple[Wrapper, ...]
) -> None:
    assert wrappers_to_undo(codings, name, None, DAMAGED) == wrappers
