"""Deflated on the way: the same bytes however they come, and nothing left behind when they stop."""

from __future__ import annotations

import random
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.resources import FakeResources, Try, head

from packmule.assembly.assembly import Assembly
from packmule.assembly.sinks import deflated as module
from packmule.errors import StorageFailed
from packmule.jobs.model import Compression, Remembered, Source
from packmule.zipformat.verifying import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1024 * 1024
WORDS = [b"archive ", b"checkpoint ", b"the ", b"place\n", b"of ", b"0.25, "]


def text(size: int, seed: int = 0) -> bytes:
    chance = random.Random(seed)
    block = b"".join(chance.choices(WORDS, k=20_000))
    return (block * (size // len(block) + 1))[:size]


def hard_text(size: int) -> bytes:
    """Make what shrinks by half only, so that much of it must be spooled."""
    return random.Random(size).randbytes(size // 2 + 1).hex().encode()[:size]


@dataclass
class Bench:
    """An assembly of bodies that are worth deflating, on fake resources."""

    path: Path
    count: int = 1
    compression: Compression = Compression.AUTO
    resources: FakeResources = field(default_factory=FakeResources)

    def __post_init__(self) -> None:
        sources = [Source(n, f"http://127.0.0.1:8000/{n}.txt") for n in range(self.count)]
        self.assembly = Assembly(
            sources, Remembered(), self.path, self.resources.real, compression=self.compression
        )
        self.assembly.start()
        (self.fetches,) = self.resources.loop.fetches.values()

    def send(self, number: int, body: bytes, piece: int, *, announced: bool) -> Try:
        length = len(body) if announced else None
        attempt = Try(self.fetches[number], body, piece=piece)
        return attempt.begin(head(length, last_modified="Mon, 05 Jan 2026 08:00:00 GMT"), 0, length)

    def end(self) -> bytes:
        while not self.assembly.is_resolved and self.assembly.error is None:
            self.resources.loop.turn()
            self.assembly.wait(0.01)
        self.assembly.stop()
        assert self.assembly.error is None
        finished, size = self.assembly.finish()
        self.close()
        data = finished.read_bytes()
        assert verify(lambda at, n: data[at : at + n], size).findings == ()
        return data

    def close(self) -> None:
        self.assembly.close()
        self.resources.close()
        assert self.resources.pool.all_back
        assert not self.assembly.scratch._spools


def read(path: Path) -> tuple[int, bytes]:
    with zipfile.ZipFile(path) as archive:
        (entry,) = archive.infolist()
        return entry.compress_type, archive.read(entry)


SIZES = st.one_of(
    st.sampled_from([64, 4096, 4097, 65_536, 262_143, 262_144, 262_145, 524_288, 786_433]),
    st.integers(1, 900_000),
)


@given(SIZES, st.lists(st.integers(1, 16_384), min_size=2, max_size=2), st.booleans())
def test_the_same_body_gives_the_same_archive_however_it_comes(
    tmp_path_factory: pytest.TempPathFactory,
    size: int,
    pieces: list[int],
    announced: bool,  # noqa: FBT001  # Hypothesis gives it
) -> None:
    folder = tmp_path_factory.mktemp("same")
    body = text(size)
    made = []
    for number, piece in enumerate(pieces):
        bench = Bench(folder / f"{number}.zip")
        bench.send(0, body, max(piece, size // 400 + 1), announced=announced).send_all(
            bench.resources.loop
        )
        made.append(bench.end())
        assert read(folder / f"{number}.zip")[1] == body
    assert made[0] == made[1]


@pytest.mark.parametrize("announced", [True, False])
def test_what_does_not_stay_small_is_spooled_and_right(tmp_path: Path, *, announced: bool) -> None:
    body = hard_text(3 * MIB)
    bench = Bench(tmp_path / "a.zip")
    bench.send(0, body, 16_384, announced=announced).send_all(bench.resources.loop)
    bench.end()
    assert read(tmp_path / "a.zip") == (zipfile.ZIP_DEFLATED, body)


def test_many_at_once_are_each_right(tmp_path: Path) -> None:
    bodies = [text(size, size) for size in (100, 5000, 70_000, 300_000, 1_000_000)]
    bench = Bench(tmp_path / "a.zip", count=len(bodies))
    tries = [bench.send(n, each, 8192, announced=n % 2 == 0) for n, each in enumerate(bodies)]
    while not all(each.is_over for each in tries):
        for each in tries:
            each.run(bench.resources.loop, min(each.at + 65_536, len(each.content)))
    for each in tries:
        each.fetch.receiver.finish()
    bench.end()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert [archive.read(entry) for entry in archive.infolist()] == bodies


@pytest.mark.parametrize("until", [1, 50_000, 70_000, 300_000, 2_000_000])
def test_a_break_between_two_tries_loses_and_doubles_nothing(tmp_path: Path, until: int) -> None:
    body = hard_text(3 * MIB)
    bench = Bench(tmp_path / "a.zip")
    attempt = bench.send(0, body, 16_384, announced=True).run(bench.resources.loop, until)
    receiver = attempt.fetch.receiver
    receiver.rest()
    kept = receiver.kept
    assert kept <= until
    attempt.begin(head(len(body)), kept, len(body)).send_all(bench.resources.loop)
    bench.end()
    assert read(tmp_path / "a.zip")[1] == body


@pytest.mark.parametrize("until", [10, 70_000, 2_500_000])
def test_an_end_in_the_middle_leaves_no_spool_and_no_block(tmp_path: Path, until: int) -> None:
    bench = Bench(tmp_path / "a.zip")
    bench.send(0, hard_text(3 * MIB), 16_384, announced=True).run(bench.resources.loop, until)
    checkpoint = bench.assembly.stop()
    assert (checkpoint.done, checkpoint.open) == ((), ())
    bench.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_an_error_in_a_deflater_is_the_archives_and_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> bytes:
        raise StorageFailed("the spool is gone")

    bench = Bench(tmp_path / "a.zip")
    with monkeypatch.context() as patch:
        patch.setattr(module, "deflate_chunk", broken)
        attempt = bench.send(0, hard_text(MIB), 16_384, announced=True)
        attempt.send_all(bench.resources.loop)
        bench.resources.compress_pool.wait(bench.assembly.scratch)
    assert isinstance(bench.assembly.error, StorageFailed)
    bench.close()


def test_little_memory_is_held_however_long_the_body(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    real = module.Joining._add

    def watched(joining: module.Joining, chunk: module.Chunk, made: bytes) -> None:
        real(joining, chunk, made)
        held.append(sum(map(len, joining._pieces)))

    monkeypatch.setattr(module.Joining, "_add", watched)
    bench = Bench(tmp_path / "a.zip")
    bench.send(0, hard_text(6 * MIB), 16_384, announced=True).send_all(bench.resources.loop)
    bench.end()
    assert len(held) == 24
    assert max(held) <= module.JOINED_BYTES + 256 * 1024


@pytest.mark.parametrize("size", [100, 3000, 100_000, 600_000])
def test_noise_is_stored_although_nothing_tells_its_kind(tmp_path: Path, size: int) -> None:
    body = random.Random(size).randbytes(size)
    bench = Bench(tmp_path / "a.zip")
    bench.send(0, body, 16_384, announced=True).send_all(bench.resources.loop)
    bench.end()
    assert read(tmp_path / "a.zip") == (zipfile.ZIP_STORED, body)


def test_small_noise_is_never_deflated_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: bytes) -> bytes:
        raise AssertionError("deflated whole")

    monkeypatch.setattr(module, "deflate", refused)
    bench = Bench(tmp_path / "a.zip", count=20)
    for number in range(20):
        body = random.Random(number).randbytes(600 + 9000 * (number % 2))
        bench.send(number, body, 16_384, announced=True).send_all(bench.resources.loop)
    bench.end()


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    assert [path.name for path in tmp_path.iterdir() if "spool" in path.name] == []
