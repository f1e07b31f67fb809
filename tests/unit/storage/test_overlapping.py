"""Attempts that overlap, freeze anywhere and wake up: a completed archive stays what it is.

Each attempt runs as `assembly.build` has it, in a thread that stops before each step that others
can see; a rule of the machine lets one go on, kills it, or begins another. The job store is a fake
that keeps what the real one promises: what a stale attempt says is refused.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.fakes.frozen import Frozen, step
from tests.fakes.memory_bucket import MemoryBucket, etag_of

from packmule.errors import StaleAttempt, StorageFailed
from packmule.storage import scratch as scratch_module
from packmule.storage.local import LocalStorage
from packmule.storage.s3 import S3Storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.storage.interface import Storage, StoredArchive

CELL = 8 * 1024 * 1024
KEY = "0f" * 16
FILES = b"the files, "
FINAL = {"completed", "cancelled", "expired"}
DEAD = {"cancelled", "expired"}


@dataclass
class Rows:
    """What the job store knows of the job."""

    state: str = "running"
    attempt: int = 0
    recorded_by: int = 0
    content: bytes | None = None
    upload: str | None = None
    numbers: int = 0
    published: tuple[str, bytes] | None = None

    def begin(self) -> Rows | None:
        """Begin the next attempt, and tell what is known."""
        if self.state != "running":
            return None
        self.attempt += 1
        return Rows(**vars(self))

    def record(self, attempt: int, content: bytes | None, upload: str | None) -> int:
        """Make a checkpoint; give a number for a part."""
        self.require(attempt)
        self.content, self.upload, self.recorded_by = content, upload, attempt
        self.numbers += 1
        return self.numbers

    def complete(self, attempt: int, archive: StoredArchive, content: bytes) -> None:
        """Complete the job."""
        self.require(attempt)
        self.state, self.published = "completed", (archive.etag, content)

    def require(self, attempt: int) -> None:
        """Raise StaleAttempt where another has come, or the job has ended."""
        if self.state != "running" or attempt != self.attempt:
            raise StaleAttempt("stale")


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError as error:
        raise StaleAttempt("stale") from error


def read(archive: StoredArchive) -> bytes:
    reader = archive.bytes.open()
    try:
        return reader.read(range(archive.size), archive.size) if archive.size else b""
    finally:
        reader.close()


@dataclass
class Attempt:
    """One run of the job on a machine, in the order of `assembly.build`."""

    rows: Rows
    storage: Storage
    bucket: MemoryBucket | None
    streams: bool
    has_holes: bool
    known: Rows = field(default_factory=Rows)

    def run(self) -> None:
        """Take the job up, and end as far as it lets itself be ended."""
        known = self.rows.begin()
        if known is not None:
            self.known = known
            try:
                archive, content = self._build()
                step()
                self.rows.complete(known.attempt, archive, content)
                self.storage.prune(KEY, known.attempt, archive)
            except (StaleAttempt, StorageFailed):
                pass  # a failed run is taken up again; a stale one sees to what it has left
            else:
                return
        step()
        if self.rows.state in DEAD:
            self.storage.remove(KEY)
        elif self.rows.state == "completed":
            self.storage.discard(KEY)

    def _build(self) -> tuple[StoredArchive, bytes]:
        known, attempt = self.known, self.known.attempt
        claimed = [(0, len(known.content))] if known.content else []
        with self.storage.claim(KEY, attempt, claimed, known.recorded_by) as scratch:
            held = size_of(scratch)
            if known.content is not None and (not held or known.upload is not None):
                found = self.storage.find(KEY)
                # The same files may lie there in another order, and be another archive.
                if found is not None and read(found).startswith(FILES):
                    content = read(found)
                    self.storage.confirm(KEY, attempt)
                    return found, content
            content = self._content(scratch)
            if self.streams and self.bucket is not None:
                finished = self._uploaded(scratch, content)
            else:
                assembled = scratch
                if self.has_holes:
                    assembled = scratch.with_name(f"{scratch.name}.closed")
                    assembled.write_bytes(content[:5])
                    step()
                    assembled.write_bytes(content)
                step()
        if self.streams and self.bucket is not None:
            self.storage.confirm(KEY, attempt)
            return finished, content
        return self.storage.publish(KEY, attempt, assembled), content

    def _content(self, scratch: Path) -> bytes:
        """Assemble, or go on with what the scratch has as it was recorded."""
        known, attempt = self.known, self.known.attempt
        with os.fdopen(os.open(scratch, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
            if known.content is not None and file.read() == known.content:
                return known.content
            step()
            self.rows.record(attempt, None, known.upload)
            content = FILES + b"laid out by attempt %d" % attempt
            for at in (0, 9):
                step()
                file.seek(at)
                file.write(content[at : at + 9] if at == 0 else content[at:])
                file.flush()
            file.truncate(len(content))
        step()
        self.rows.record(attempt, content, known.upload)
        return content

    def _uploaded(self, scratch: Path, content: bytes) -> StoredArchive:
        """Upload it as one part, in the upload of an earlier attempt where there is one."""
        assert self.bucket is not None
        attempt, upload = self.known.attempt, self.known.upload
        stream = self.storage.stream(KEY, attempt, scratch)
        assert stream is not None
        if upload is None or stream.stored(upload) is None:
            upload = stream.begin(CELL)
        step()
        self.rows.record(attempt, content, upload)
        begun_by, id_, _ = upload.split(" ")
        name = f"{KEY[:2]}/{KEY}.{begun_by}.zip"
        self.bucket.put_part(name, id_, 1, content)
        return stream.publish(upload, {1: etag_of(content)}, len(content))


def hooked(patch: pytest.MonkeyPatch) -> None:
    """Have each change and look that another process could see be a step."""

    def before(owner: object, name: str, *, real: bool = True) -> None:
        call: Callable[..., Any] = getattr(owner, name)

        def stepping(*given: Any, **named: Any) -> Any:
            step()
            return call(*given, **named) if real else None

        patch.setattr(owner, name, stepping)

    for name in ("rename", "unlink", "exists"):
        before(Path, name)
    before(os, "open")
    before(os, "fsync", real=False)
    before(fcntl, "flock")
    glob = Path.glob

    def stepping_glob(folder: Path, pattern: str) -> list[Path]:
        step()
        return list(glob(folder, pattern))

    patch.setattr(Path, "glob", stepping_glob)
    patch.setattr(scratch_module, "_PATIENCE", 0.0)


class Overlapping(RuleBasedStateMachine):
    """One job in the hands of many attempts; a subclass says in which storage."""

    machines = 1
    bucket: MemoryBucket | None = None

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        hooked(self.patch)
        self.folder = TemporaryDirectory()
        self.rows = Rows()
        self.under_way: list[Frozen] = []
        self.storages = [self.open(Path(self.folder.name) / str(n)) for n in range(self.machines)]

    def open(self, folder: Path) -> Storage:
        """Open the storage of a machine."""
        return LocalStorage(folder)

    def attempt(self, machine: int, *, streams: bool, has_holes: bool) -> Frozen:
        storage = self.storages[machine % self.machines]
        work = Attempt(self.rows, storage, self.bucket, streams, has_holes)
        return Frozen(work.run)

    @rule(
        machine=st.integers(0, 1), streams=st.booleans(), holes=st.booleans(), n=st.integers(0, 40)
    )
    def begin(self, *, machine: int, streams: bool, holes: bool, n: int) -> None:
        if len(self.under_way) < 4:
            self.under_way.append(self.attempt(machine, streams=streams, has_holes=holes))
            self.under_way[-1].advance(n)

    @rule(which=st.integers(0, 3), steps=st.integers(1, 12))
    def go_on(self, which: int, steps: int) -> None:
        if self.under_way:
            self.under_way[which % len(self.under_way)].advance(steps)
            self.under_way = [one for one in self.under_way if not self.ended(one)]

    @rule(which=st.integers(0, 3))
    def end(self, which: int) -> None:
        if self.under_way:
            one = self.under_way.pop(which % len(self.under_way))
            one.finish()
            assert self.ended(one)

    @rule(which=st.integers(0, 3))
    def kill(self, which: int) -> None:
        if self.under_way:
            self.under_way.pop(which % len(self.under_way)).kill()
            if self.rows.state == "expired" and self.bucket is not None and not self.left_over():
                # Of one that was frozen while it put its object until all was removed, and is
                # killed before its next step, only a list of the whole bucket would tell.
                self.bucket.objects.clear()

    @rule(chance=st.integers(0, 3), machine=st.integers(0, 1))
    def cancel(self, chance: int, machine: int) -> None:
        if self.rows.state == "running" and not chance:
            self.rows.state = "cancelled"
            self.storages[machine % self.machines].discard(KEY)

    @rule(chance=st.integers(0, 3), machine=st.integers(0, 1))
    def expire(self, chance: int, machine: int) -> None:
        if self.rows.state in {"completed", "cancelled"} and not chance:
            self.rows.state = "expired"
            self.storages[machine % self.machines].remove(KEY)

    @invariant()
    def a_completed_archive_is_what_it_was(self) -> None:
        if self.rows.state == "completed":
            assert self.rows.published is not None
            etag, content = self.rows.published
            found = self.storages[0].find(KEY, etag)
            assert found is not None
            assert (found.etag, read(found)) == (etag, content)

    def left_over(self) -> list[tuple[Storage, str]]:
        """List what would tell the sweep of leftovers, and on which machine."""
        return [(storage, key) for storage in self.storages for key, _ in storage.left_over()]

    def ended(self, one: Frozen) -> bool:
        if one.error is not None:
            raise one.error
        return one.is_over

    def teardown(self) -> None:
        try:
            while self.under_way:
                self.end(0)
            for _ in range(3):
                if self.rows.state == "running":
                    self.under_way = [self.attempt(0, streams=True, has_holes=False)]
                    self.end(0)
            assert self.rows.state in FINAL, "an undisturbed attempt ends the job"
            self.a_completed_archive_is_what_it_was()
            for storage, key in self.left_over():  # as `LeftoverSweep` does
                (storage.remove if self.rows.state in DEAD else storage.discard)(key)
            if self.rows.state != "expired":
                self.rows.state = "expired"
                self.storages[0].remove(KEY)
            assert [path for path in Path(self.folder.name).rglob("*") if path.is_file()] == []
            if self.bucket is not None:
                assert (self.bucket.objects, self.bucket.under_way) == ({}, {})
        finally:
            for one in self.under_way:
                one.kill()
            self.patch.undo()
            self.folder.cleanup()


class OverlappingInBucket(Overlapping):
    """Two machines, each with scratch of its own, and one bucket."""

    machines = 2

    def open(self, folder: Path) -> Storage:
        """Open the storage of a machine."""
        self.bucket = self.bucket or MemoryBucket()
        return S3Storage(cast("Any", self.bucket), folder, most_bytes=10**9)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("machine", [Overlapping, OverlappingInBucket])
def test_no_attempt_replaces_removes_or_mixes_a_completed_archive(
    machine: type[Overlapping],
) -> None:
    profile = settings(max_examples=settings().max_examples // 2, stateful_step_count=20)
    run_state_machine_as_test(machine, settings=profile)


# How an attempt goes, and on which machine: streamed, with holes to be closed.
WAYS = [(machine, *way) for machine in (0, 1) for way in ((0, 0), (0, 1), (1, 0))]
MOST_STEPS = 40


def overlapped(
    kind: type[Overlapping], frozen: list[tuple[tuple[int, ...], int]], last: tuple[int, ...]
) -> None:
    """Freeze attempts after so many steps each, have another complete the job, and wake them."""
    world = kind()
    try:
        for (machine, streams, holes), steps in frozen:
            world.under_way.append(
                world.attempt(machine, streams=bool(streams), has_holes=bool(holes))
            )
            world.under_way[-1].advance(steps)
        for _ in range(3):  # what it finds may have it begin anew
            world.attempt(last[0], streams=bool(last[1]), has_holes=bool(last[2])).finish()
        assert world.rows.state == "completed"
        for one in world.under_way:
            while not one.is_over:
                one.advance()
                world.a_completed_archive_is_what_it_was()
    finally:
        world.teardown()


PLAIN, HOLED, STREAMED = (0, 0, 0), (0, 0, 1), (0, 1, 0)
PAIRS: list[tuple[type[Overlapping], tuple[int, ...], tuple[int, ...]]] = [
    (Overlapping, HOLED, PLAIN),
    (OverlappingInBucket, HOLED, (1, 0, 0)),
    (OverlappingInBucket, STREAMED, STREAMED),
    (OverlappingInBucket, STREAMED, (1, 1, 0)),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "way", "last"), PAIRS)
def test_an_attempt_that_freezes_at_any_step_does_no_harm_when_it_wakes(
    kind: type[Overlapping], way: tuple[int, ...], last: tuple[int, ...]
) -> None:
    for steps in range(MOST_STEPS):
        overlapped(kind, [(way, steps)], last)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [Overlapping, OverlappingInBucket])
@given(
    st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, MOST_STEPS)), min_size=2, max_size=3),
    st.sampled_from(WAYS),
)
def test_nor_do_several_of_them(
    kind: type[Overlapping], frozen: list[tuple[tuple[int, ...], int]], last: tuple[int, ...]
) -> None:
    overlapped(kind, frozen, last)
