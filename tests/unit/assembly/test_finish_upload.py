"""The end of an uploaded archive: it is read back, and a run that must stop keeps its parts."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest
from tests.fakes.resources import FakeResources, body
from tests.fakes.streams import MemoryBytes, MemoryReader, MemoryStream, etag_of
from tests.unit.assembly.upload.test_part_sender import (
    MIB,
    Run,
    contents,
    drained,
    run_of,
    send,
)

from packmule.assembly.finish_upload import StopAsked, finish_upload, holds_recorded, watcher
from packmule.errors import StorageAway
from packmule.storage.interface import StoredArchive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def close_all() -> Iterator[list[FakeResources]]:
    """Close what the test has opened."""
    opened: list[FakeResources] = []
    yield opened
    for resources in opened:
        resources.close()


class Cut(MemoryReader):
    """A storage that is away."""

    def read(self, part: range, most: int) -> bytes:
        raise StorageAway(f"{most} bytes from {part.start} on could not be read")


def uploaded(run: Run) -> bytes:
    """Have the run's archive uploaded, and killed before anything is said of it."""
    assembly = run.begin()
    send(run, 0, 2 * MIB)
    send(run, 1, 300_000)
    archive = run.finish(assembly)
    assert archive == run.stream.archive
    return archive


def published(content: bytes) -> StoredArchive:
    return StoredArchive(len(content), etag_of(content), 0.0, MemoryBytes(content))


def test_a_reading_back_that_is_cut_leaves_the_archive_where_it_is(
    tmp_path: Path, close_all: list[FakeResources], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path, 2, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    monkeypatch.setattr(MemoryBytes, "open", lambda self: Cut(self.content))
    with pytest.raises(StorageAway):
        uploaded(run)
    assert run.stream.archive is not None


def looked_at(run: Run, content: bytes, *, full: bool = False) -> bool:
    remembered = run.memory.remembered()
    return holds_recorded(published(content), remembered, lambda: None, full=full)


def test_an_archive_published_before_is_the_one_that_was_recorded_or_is_not_taken(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    run = run_of(tmp_path, 2, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    archive = uploaded(run)
    assert looked_at(run, archive)
    assert looked_at(run, archive, full=True)
    assert not looked_at(run, archive[:-1000])
    damaged = archive[:1000] + bytes([archive[1000] ^ 1]) + archive[1001:]
    assert looked_at(run, damaged)
    assert not looked_at(run, damaged, full=True)
    other = run_of(tmp_path / "other", 2, stream=MemoryStream(MIB))
    other.path.parent.mkdir()
    close_all.append(other.resources)
    assembly = other.begin()
    send(other, 0, 2 * MIB)
    send(other, 1, 300_001)
    assert not looked_at(run, other.finish(assembly))


def test_a_look_at_an_archive_ends_when_the_storage_is_away_or_the_run_is_to_stop(
    tmp_path: Path, close_all: list[FakeResources], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path, 2, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    archive = published(uploaded(run))
    stop = Event()
    stop.set()
    with pytest.raises(StopAsked):
        holds_recorded(archive, run.memory.remembered(), watcher(lambda: None, stop), full=False)
    monkeypatch.setattr(MemoryBytes, "open", lambda self: Cut(self.content))
    with pytest.raises(StorageAway):
        holds_recorded(archive, run.memory.remembered(), lambda: None, full=False)


def test_a_run_that_is_to_stop_while_the_end_is_uploaded_keeps_its_parts(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    run = run_of(tmp_path, 2, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 2 * MIB)
    drained(run, assembly)
    send(run, 1, 3 * MIB)
    run.stream.may_send.clear()
    run.memory.record(assembly.stop())
    assembly.recorded()
    stop = Event()

    def check() -> None:
        stop.set()  # it is asked to stop while it waits

    with pytest.raises(StopAsked):
        finish_upload(assembly, run.memory.record, check, stop)
    assembly.close()
    before = list(run.stream.sent)
    run.stream.may_send.set()
    assembly = run.begin()
    assert run.fetches() == []
    assert contents(run.finish(assembly)) == {"0.bin": body(2 * MIB, 0), "1.bin": body(3 * MIB, 1)}
    assert run.stream.sent[: len(before)] == before
    assert not set(before) & set(run.stream.sent[len(before) :])
