"""A checkpoint says each file once, whatever the other threads do while it is made."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.fakes.resources import Try, body, head
from tests.fakes.streams import MemoryStream
from tests.unit.assembly.upload.test_part_sender import Run, contents, run_of

from packmule.assembly.finish_upload import finish_upload
from packmule.assembly.sinks.placed import PlacedSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from packmule.assembly.assembly import Assembly
    from packmule.jobs.model import Checkpoint, WrittenSegment

MIB = 1024 * 1024
SIZE = 8 * MIB
LOOKS = 60


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Have something done by another thread, once, while an open file is looked at."""
    threads: list[threading.Thread] = []
    waiting: list[Callable[[], None]] = []
    real = PlacedSink.written

    def looked_at(sink: PlacedSink, version: int) -> tuple[WrittenSegment, ...]:
        found = real(sink, version)
        if waiting:
            thread = threading.Thread(target=waiting.pop())
            threads.append(thread)
            thread.start()
            thread.join(0.5)  # it may have to wait until the checkpoint is made
        return found

    monkeypatch.setattr(PlacedSink, "written", looked_at)
    yield waiting.append
    for thread in threads:
        thread.join()


def ended_during_a_checkpoint(
    run: Run, meanwhile: Callable[[Callable[[], None]], None]
) -> tuple[Assembly, Checkpoint]:
    """Make a checkpoint during which the one file, half of it written before, ends."""
    assembly = run.begin()
    (fetch,) = run.fetches()
    attempt = Try(fetch, body(SIZE)).begin(head(SIZE), 0, SIZE)
    attempt.run(run.resources.loop, SIZE // 2)
    run.resources.writer.wait()

    def end() -> None:
        attempt.send_all(run.resources.loop)
        run.resources.writer.wait()

    meanwhile(end)
    checkpoint = assembly.checkpoint()
    run.memory.record(checkpoint)
    assembly.recorded()
    return assembly, checkpoint


def test_a_file_that_ends_while_a_checkpoint_is_made_is_in_one_list(
    tmp_path: Path, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    run = run_of(tmp_path, 1, stream=MemoryStream(1 << 40))
    assembly, checkpoint = ended_during_a_checkpoint(run, meanwhile)
    said = [entry.position for entry in checkpoint.done]
    said += [entry.position for entry in checkpoint.open]
    assert said == [0]
    assert contents(run.finish(assembly)) == {"0.bin": body(SIZE)}
    run.resources.close()


def test_an_upload_ends_although_a_file_ended_while_a_checkpoint_was_made(
    tmp_path: Path, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    run = run_of(tmp_path, 1, stream=MemoryStream(MIB))
    assembly, _ = ended_during_a_checkpoint(run, meanwhile)
    run.memory.record(assembly.stop())
    assembly.recorded()
    looks = iter(range(LOOKS))

    def check() -> None:
        assert next(looks, None) is not None, "it waits for a part that is never sent"

    finish_upload(assembly, run.memory.record, check, threading.Event())
    assert run.stream.archive is not None
    assert contents(run.stream.archive) == {"0.bin": body(SIZE)}
    assembly.close()
    run.resources.close()
