"""An archive that is uploaded while it is assembled: right whatever comes, in little scratch."""

from __future__ import annotations

import io
import random
import zipfile
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.remembering import Memory
from tests.fakes.resources import ROOMY, FakeResources, Try, body, head
from tests.fakes.streams import MemoryStream
from tests.unit.assembly.sinks.test_placed import SCRIPTS, Script, play

from packmule.assembly.assembly import Assembly
from packmule.assembly.body_check import digested
from packmule.assembly.finish_upload import finish_upload
from packmule.assembly.resuming import given_up, usable
from packmule.errors import Failure, FailureCode, StorageAway, StorageFailed
from packmule.jobs.model import Checkpoint, Manifest, Source
from packmule.zipformat.verifying import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packmule.outbound.fetch import Fetch

MIB = 1024 * 1024


@dataclass
class Run:
    """A job in the hands of one attempt after the other."""

    path: Path
    sources: list[Source]
    stream: MemoryStream = field(default_factory=MemoryStream)
    memory: Memory = field(default_factory=Memory)
    resources: FakeResources = field(default_factory=FakeResources)
    manifest: Manifest = Manifest.NONE

    def begin(self) -> Assembly:
        """Take the job up, as `build` does."""
        held = self.path.stat().st_size if self.path.exists() else 0
        before = self.memory.remembered()
        stored = None if before.upload is None else self.stream.stored(before.upload)
        in_order = digested(self.sources, self.manifest)
        kept = usable(before, held, stored, in_order=in_order)
        assembly = Assembly(
            self.sources, kept, self.path, self.resources.real, stream=self.stream,
            manifest=self.manifest, title="a",
        )  # fmt: skip
        forgotten, uploads = given_up(before, kept)
        first = Checkpoint(kept.tail, assembly.progress(), uploads=uploads, forgotten=forgotten)
        self.memory.record(first)
        assembly.start()
        return assembly

    def fetches(self) -> list[Fetch]:
        """Give the fetches of the last attempt."""
        return list(self.resources.loop.fetches.values())[-1]

    def checkpoint(self, assembly: Assembly) -> None:
        """Make a checkpoint, with all that was handed to the writer."""
        self.resources.writer.wait()
        self.memory.record(assembly.checkpoint())
        assembly.recorded()

    def finish(self, assembly: Assembly) -> bytes:
        """End the job, and give its archive."""
        self.memory.record(assembly.stop())
        assembly.recorded()
        assert assembly.error is None
        assert assembly.is_resolved
        assert assembly.sender is not None
        if assembly.sender.has_begun:
            finish_upload(assembly, self.memory.record, lambda: None, Event())
            assert self.stream.archive is not None
            found = self.stream.archive
        else:
            finished, _ = assembly.finish()
            found = finished.read_bytes()
        assembly.close()
        return found


def run_of(path: Path, count: int, **more: object) -> Run:
    sources = [Source(n, f"http://127.0.0.1/{n}", f"{n}.bin") for n in range(count)]
    return Run(path / "a.zip", sources, **more)  # type: ignore[arg-type]


def contents(archive: bytes) -> dict[str, bytes]:
    """Read every entry, and see that no byte is nobody's."""
    report = verify(lambda at, length: archive[at : at + length], len(archive))
    assert report.findings == ()
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


@pytest.fixture
def close_all() -> Iterator[list[FakeResources]]:
    resources_made: list[FakeResources] = []
    yield resources_made
    for resources in resources_made:
        resources.close()


def interleave(run: Run, assembly: Assembly, scripts: list[Script], stop_after: int) -> bool:
    """Be all origins, in turns of the generator's choice; True where all have ended."""
    chance = random.Random(f"{len(scripts)}/{stop_after}")
    waiting = [play(fetch, scripts[int(fetch.url.target[1:])]) for fetch in run.fetches()]
    active: list[Iterator[bool]] = []
    refused = 0
    for _ in range(stop_after):
        while waiting and len(active) < 8:
            active.append(waiting.pop(0))
        if not active:
            return True
        chosen = chance.choice(active)
        for _ in range(chance.randrange(1, 40)):
            step = next(chosen, None)
            refused = 0 if step else refused + 1
            if step is None:
                active.remove(chosen)
                break
            if not step:
                break
        if refused > 4 * len(active) or chance.random() < 0.1:
            run.checkpoint(assembly)
            run.resources.loop.turn()
    return False


@pytest.mark.timeout(300)
@settings(max_examples=max(5, settings().max_examples // 4))
@given(
    st.lists(SCRIPTS, min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 120), st.booleans()), max_size=3),
    st.sampled_from([70_000, 300_000]),
)
def test_every_byte_is_right_whatever_comes_and_wherever_it_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
    scripts: list[Script],
    kills: list[tuple[int, bool]],
    each: int,
) -> None:
    # What a killed attempt had of a version is unknown to the next origin: it sends the last one.
    run = run_of(tmp_path_factory.mktemp("archive"), len(scripts), stream=MemoryStream(each))
    final = [Script(one.final_size(), one.announced, (), one.fails) for one in scripts]
    bodies = [one.final() for one in scripts]
    try:
        for steps, on_another_machine in kills:
            assembly = run.begin()
            interleave(run, assembly, scripts, steps)
            assembly.close()
            if on_another_machine:
                run.path.unlink()
        assembly = run.begin()
        for fetch in run.fetches():
            position = int(fetch.url.target[1:])
            deliver(run, assembly, fetch, final[position], bodies[position])
        found = contents(run.finish(assembly))
        assert run.resources.pool.all_back
    finally:
        run.resources.close()
    missing = found.pop("_missing.txt", b"").count(b"\ncode: ")
    assert missing == sum(script.fails for script in scripts)
    expected = {f"{n}.bin": bodies[n] for n, script in enumerate(scripts) if not script.fails}
    assert list(found) == list(expected)
    assert found == expected


def deliver(run: Run, assembly: Assembly, fetch: Fetch, script: Script, content: bytes) -> None:
    """Send a whole body anew, as an origin does whose file has changed meanwhile."""
    total = len(content) if script.announced else None
    attempt = Try(fetch, content).begin(head(total), 0, total)
    while not attempt.is_over:
        if not attempt.step():
            run.checkpoint(assembly)
            run.resources.loop.turn()
    if script.fails:
        fetch.receiver.fail(Failure(FailureCode.TRUNCATED, "the script says so"))
    else:
        fetch.receiver.finish()


def send(run: Run, position: int, size: int, until: int | None = None) -> Try:
    """Send a body from where it is, or its beginning."""
    fetch = next(each for each in run.fetches() if each.url.target == f"/{position}")
    start = fetch.receiver.kept
    attempt = Try(fetch, body(size, position)).begin(head(size), start, size)
    attempt.run(run.resources.loop, until)
    if until is None:
        fetch.receiver.finish()
    return attempt


def drained(run: Run, assembly: Assembly) -> None:
    """Make checkpoints until all that may go has gone and is noted."""
    assert assembly.sender is not None
    for _ in range(1000):
        run.checkpoint(assembly)
        if not assembly.sender._sending:
            run.checkpoint(assembly)
            return
        assembly.wait(0.05)
    raise AssertionError("parts are on their way for ever")


def test_what_is_uploaded_takes_no_scratch(tmp_path: Path, close_all: list[FakeResources]) -> None:
    run = run_of(tmp_path, 8, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    for position in range(8):
        send(run, position, 5 * MIB)
        drained(run, assembly)
        assert allocated(run.path) < 2 * MIB
    found = contents(run.finish(assembly))
    assert found == {f"{n}.bin": body(5 * MIB, n) for n in range(8)}
    assert len(run.stream.sent) == len(set(run.stream.sent))


def test_one_file_far_larger_than_a_part_takes_little_scratch_while_it_comes(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    run = run_of(tmp_path, 1, stream=MemoryStream(MIB // 4))
    close_all.append(run.resources)
    assembly = run.begin()
    for until in range(1, 10):
        attempt = send(run, 0, 10 * MIB, until * MIB)
        attempt.fetch.receiver.rest()
        drained(run, assembly)
        assert allocated(run.path) < 2 * MIB
    send(run, 0, 10 * MIB)
    assert contents(run.finish(assembly)) == {"0.bin": body(10 * MIB, 0)}


def test_after_a_kill_nothing_that_was_noted_is_sent_or_fetched_again(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    run = run_of(tmp_path, 3, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 3 * MIB)
    send(run, 1, 9 * MIB, 7 * MIB).fetch.receiver.rest()
    drained(run, assembly)
    before = list(run.stream.sent)
    assembly.close()
    assembly = run.begin()
    assert sorted(int(fetch.url.target[1:]) for fetch in run.fetches()) == [1, 2]
    assert (
        next(fetch for fetch in run.fetches() if fetch.url.target == "/1").receiver.kept == 7 * MIB
    )
    send(run, 1, 9 * MIB)
    send(run, 2, MIB)
    found = contents(run.finish(assembly))
    assert found == {f"{n}.bin": body(size * MIB, n) for n, size in enumerate((3, 9, 1))}
    assert run.stream.sent[: len(before)] == before
    assert len(set(run.stream.sent)) == len(run.stream.sent)


def test_another_machine_keeps_what_is_uploaded_and_fetches_the_rest(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    run = run_of(tmp_path, 4, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 3 * MIB)
    send(run, 1, 300_000)
    send(run, 2, 2 * MIB)  # its end fills no part
    drained(run, assembly)
    assert sorted(run.stream.sent) == [1, 2, 3, 4, 5]
    assembly.close()
    run.path = tmp_path / "another.zip"
    assembly = run.begin()
    assert sorted(int(fetch.url.target[1:]) for fetch in run.fetches()) == [2, 3]
    send(run, 2, 2 * MIB)
    send(run, 3, MIB)
    found = contents(run.finish(assembly))
    assert found == {
        f"{n}.bin": body(size, n) for n, size in enumerate((3 * MIB, 300_000, 2 * MIB, MIB))
    }
    # What lies before the hole, and behind it, is copied within the store.
    assert run.stream.copied[:3] == [1, 2, 3]


def test_a_part_that_the_store_has_lost_is_made_anew(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    run = run_of(tmp_path, 2, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 3 * MIB)
    drained(run, assembly)
    assembly.close()
    del run.stream.uploads[f"upload-0 {MIB}"][2]
    assembly = run.begin()
    assert sorted(int(fetch.url.target[1:]) for fetch in run.fetches()) == [0, 1]
    for position in range(2):
        send(run, position, 3 * MIB)
    assert contents(run.finish(assembly)) == {f"{n}.bin": body(3 * MIB, n) for n in range(2)}


def test_an_upload_that_is_gone_is_begun_anew(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    run = run_of(tmp_path, 1, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 5 * MIB, 4 * MIB).fetch.receiver.rest()
    drained(run, assembly)
    assembly.close()
    run.stream.uploads = {"another": {}}
    assembly = run.begin()
    send(run, 0, 5 * MIB)
    assert contents(run.finish(assembly)) == {"0.bin": body(5 * MIB, 0)}


def test_a_transfer_waits_while_the_scratch_is_full_and_something_is_on_its_way(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    limits = replace(ROOMY, max_scratch_bytes=8 * MIB)
    run = run_of(tmp_path, 2, stream=MemoryStream(MIB), resources=FakeResources(limits=limits))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 12 * MIB)
    run.stream.may_send.clear()
    run.checkpoint(assembly)
    fetch = next(each for each in run.fetches() if each.url.target == "/1")
    attempt = Try(fetch, body(20 * MIB, 1)).begin(head(20 * MIB), 0, 20 * MIB)
    while attempt.step():
        assert attempt.at < MIB, "it does not wait"
    run.stream.may_send.set()
    drained(run, assembly)
    attempt.send_all(run.resources.loop)
    assert contents(run.finish(assembly)) == {
        "0.bin": body(12 * MIB, 0),
        "1.bin": body(20 * MIB, 1),
    }


def test_what_is_read_back_otherwise_than_it_was_sent_is_refused(
    tmp_path: Path, close_all: list[FakeResources], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path, 1, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 2 * MIB)
    publish = MemoryStream.publish

    def damaged(self: MemoryStream, *given: object) -> object:
        archive = publish(self, *given)  # type: ignore[arg-type]
        content = bytearray(self.archive or b"")
        content[-30] ^= 1
        return replace(archive, bytes=replace(archive.bytes, content=bytes(content)))  # type: ignore[type-var]

    monkeypatch.setattr(MemoryStream, "publish", damaged)
    with pytest.raises(StorageFailed, match="directory"):
        run.finish(assembly)
    assembly.close()


def test_a_thread_that_cannot_start_ends_the_run_and_not_the_job(
    tmp_path: Path, close_all: list[FakeResources], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    run = run_of(tmp_path, 1, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 5 * MIB)
    run.resources.writer.wait()
    run.memory.record(assembly.checkpoint())
    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", refuse)
        with pytest.raises(StorageAway, match="refuses another thread"):
            assembly.recorded()
    assert "sending=[]" in repr(assembly.sender)
    assembly.close()
    assembly = run.begin()
    assert contents(run.finish(assembly)) == {"0.bin": body(5 * MIB, 0)}
