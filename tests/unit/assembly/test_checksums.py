"""A file is packed only if it is the one that was announced, whichever way its bytes came."""

from __future__ import annotations

import base64
import gzip
import zipfile
import zlib
from functools import partial
from hashlib import md5, sha256
from typing import TYPE_CHECKING

import pytest
from tests.fakes.origin import Resource

from packmule.errors import FailureCode
from packmule.jobs.expected import Expected
from packmule.jobs.model import Compression, OnError, Source

if TYPE_CHECKING:
    from tests.fakes.origin import Request
    from tests.unit.assembly.packing_bench import Bench

    from packmule.assembly.pack import Packed

# In memory, in a place, and large enough to fill a block.
SIZES = (0, 900, 300_000, 4_000_000)
insecure_md5 = partial(md5, usedforsecurity=False)
WRONG = sha256(b"another file").hexdigest()


def body_of(size: int) -> bytes:
    """Make a body that deflates well, and is another at each size."""
    return (f"{size}: all of it is text.\n".encode() * (size // 10 + 1))[:size]


def known(body: bytes) -> Expected:
    return Expected(sha256(body).hexdigest(), insecure_md5(body).hexdigest(), len(body))


def sources(
    bench: Bench, *files: tuple[str, bytes, Expected | None], **more: object
) -> list[Source]:
    return [
        Source(at, bench.origin.put(path, body, **more), None, expected)
        for at, (path, body, expected) in enumerate(files)
    ]


def packed(bench: Bench) -> dict[str, bytes]:
    with zipfile.ZipFile(bench.out) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def codes(result: Packed) -> list[str]:
    return [one.failure.code.value for one in result.failed]


@pytest.mark.parametrize("compression", [Compression.STORE, Compression.DEFLATE])
@pytest.mark.parametrize("announced", [True, False])
def test_files_that_are_as_announced_are_packed_however_they_are_stored(
    bench: Bench, compression: Compression, *, announced: bool
) -> None:
    files = {f"/{size}.txt": body_of(size) for size in SIZES}
    wanted = sources(
        bench, *((path, body, known(body)) for path, body in files.items()), announced=announced
    )
    assert bench.pack(wanted, compression=compression).size is not None
    assert packed(bench) == {path[1:]: body for path, body in files.items()}
    assert len(bench.origin.requests) == len(files)


@pytest.mark.parametrize("compression", [Compression.STORE, Compression.DEFLATE])
@pytest.mark.parametrize("announced", [True, False])
def test_another_file_is_fetched_once_more_and_then_fails(
    bench: Bench, compression: Compression, *, announced: bool
) -> None:
    files = [(f"/{size}.txt", body_of(size), Expected(sha256=WRONG)) for size in SIZES]
    wanted = sources(bench, *files, ("/right.txt", b"right", None), announced=announced)
    result = bench.pack(wanted, compression=compression, on_error=OnError.SKIP)
    assert codes(result) == ["checksum"] * len(SIZES)
    assert {one.failure.attempts for one in result.failed} == {2}
    assert all(WRONG in one.failure.detail for one in result.failed)
    assert [len(bench.origin.requests_for(path)) for path, *_ in files] == [2] * len(SIZES)
    assert packed(bench)["right.txt"] == b"right"


@pytest.mark.parametrize("size", SIZES[1:])
def test_a_file_that_was_damaged_on_its_way_is_packed_by_the_second_fetch(
    bench: Bench, size: int
) -> None:
    body = body_of(size)
    (source,) = sources(bench, ("/once.txt", body, known(body)))

    def damaged(_request: Request) -> Resource | None:
        bench.origin.resources["/once.txt"].instead = None
        return Resource(body[:-1] + b"?", etag='"damaged"')

    bench.origin.resources["/once.txt"].instead = damaged
    assert bench.pack([source]).size is not None
    assert packed(bench) == {"once.txt": body}
    assert bench.origin.ranges_for("/once.txt") == [None, None]


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_of_another_size_fails(bench: Bench, *, announced: bool) -> None:
    (source,) = sources(
        bench, ("/short.txt", body_of(900), Expected(size=901)), announced=announced
    )
    assert codes(bench.pack([source])) == ["checksum"]
    assert len(bench.origin.requests) == 2


def test_a_file_is_checked_as_it_is_packed_where_it_is_coded_on_its_way(bench: Bench) -> None:
    body = body_of(300_000)
    headers = {"Content-Encoding": "gzip", "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    bench.origin.put("/coded.txt", gzip.compress(body), headers=headers)
    source = Source(0, bench.origin.url("/coded.txt"), None, known(body))
    assert bench.pack([source]).size is not None
    assert packed(bench) == {"coded.txt": body}


@pytest.mark.parametrize("right", [True, False])
def test_a_file_that_was_interrupted_is_checked_with_what_was_there(
    bench: Bench, *, right: bool
) -> None:
    body = bench.versions["large.bin"][-1]
    expected = known(body) if right else Expected(md5="0" * 32)
    source = Source(0, bench.origin.url("/large.bin"), None, expected)
    bench.interrupt([source], "large.bin")
    result = bench.pack([source])
    ranges = bench.origin.ranges_for("/large.bin")
    if right:
        assert packed(bench) == {"large.bin": body}
        assert [one is None for one in ranges] == [True, False]
    else:
        assert codes(result) == ["checksum"]
        assert [one is None for one in ranges] == [True, False, True]


def test_a_file_that_is_whole_in_its_place_is_asked_for_no_more(bench: Bench) -> None:
    """The journal of a run that was killed between the last byte and the comparison."""
    body = body_of(300_000)
    wanted = sources(bench, ("/whole.txt", body, known(body)), ("/held.txt", b"held" * 9, None))
    bench.hold("held.txt", 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("packmule.assembly.committing.EntryCommit._judge", lambda *_: None)
        assert bench.pack(wanted, stop_after=30).stopped
    bench.release()
    assert bench.pack(wanted).size is not None
    assert packed(bench)["whole.txt"] == body
    assert len(bench.origin.requests_for("/whole.txt")) == 1


def in_base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def sent(body: bytes) -> list[dict[str, str]]:
    """List what servers say of a body, each by itself."""
    checksum = zlib.crc32(body).to_bytes(4, "big")
    return [
        {"Content-MD5": in_base64(insecure_md5(body).digest())},
        {"Repr-Digest": f"sha-256=:{in_base64(sha256(body).digest())}:"},
        {"x-goog-hash": f"crc32c=AAAAAA==,md5={in_base64(insecure_md5(body).digest())}"},
        {"x-amz-checksum-crc32": in_base64(checksum), "x-amz-checksum-type": "FULL_OBJECT"},
    ]


@pytest.mark.parametrize("size", [900, 300_000])
def test_what_the_server_says_of_a_file_is_compared(bench: Bench, size: int) -> None:
    body = body_of(size)
    for headers in sent(body):
        (source,) = sources(bench, ("/sent.txt", body, None), headers=headers)
        assert bench.pack([source], replace=True).size is not None
        bench.out.unlink()
    for headers in sent(b"another"):
        (source,) = sources(bench, ("/sent.txt", body, None), headers=headers)
        result = bench.pack([source])
        assert codes(result) == [FailureCode.CHECKSUM.value]
        assert "sent by the server" in result.failed[0].failure.detail


def test_who_knows_the_file_is_believed_rather_than_its_server(bench: Bench) -> None:
    body = body_of(900)
    (source,) = sources(
        bench, ("/mine.txt", body, Expected(sha256=sha256(body).hexdigest())),
        headers=sent(b"another")[0],
    )  # fmt: skip
    assert bench.pack([source]).size is not None


def test_a_list_with_other_checksums_is_another_request(bench: Bench) -> None:
    body = bench.versions["large.bin"][-1]
    source = Source(0, bench.origin.url("/large.bin"))
    bench.interrupt([source], "large.bin")
    assert bench.pack([source._replace(expected=known(body))]).resumed == 0
    assert packed(bench) == {"large.bin": body}
