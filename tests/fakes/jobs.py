"""Jobs for tests: requests, entries and checkpoints of ordinary values, and jobs in each state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from packmule.errors import Failure, FailureCode
from packmule.jobs.model import (
    Checkpoint,
    Compression,
    DoneEntry,
    FailedEntry,
    Job,
    JobRequest,
    JobState,
    OnError,
    OpenEntry,
    Progress,
    Published,
    Source,
    WrittenSegment,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from packmule.jobs.model import Run
    from packmule.jobs.store import JobStore

Entry = DoneEntry | OpenEntry | FailedEntry

RETENTION = 7 * 86_400.0
PUBLISHED = Published(12_345, '"3039-1"')
FAILURE = Failure(FailureCode.FILES_FAILED, "1 of 3 files could not be fetched.")

NOW = datetime.now(UTC)
JOB = Job(
    id=1,
    hash="a" * 32,
    state=JobState.RUNNING,
    attempt=1,
    created_at=NOW,
    name=None,
    on_error=OnError.FAIL,
    compression=Compression.AUTO,
    priority=0,
    client="",
    progress=Progress(3, 1, 0, 100, 500, 50.04),
)
COMPLETED = replace(
    JOB, state=JobState.COMPLETED, size=500, etag='"x"', expires_at=NOW + timedelta(days=1)
)

PROGRESS = Progress(
    files_total=3,
    files_done=1,
    files_failed=1,
    bytes_done=1_500,
    bytes_total=5 * 2**32,
    bytes_per_second=12.5,
)


def no_defer(_connection: Connection, _hash: str) -> None:
    """Defer nothing: for tests of the store alone."""


def request(files: int = 3, **fields: object) -> JobRequest:
    """Ask for so many files; every second one has a wanted name."""
    sources = tuple(
        Source(
            n, f"https://origin.example/{n}.jpg?key=s3cret", f"photos/{n}.jpg" if n % 2 else None
        )
        for n in range(files)
    )
    return JobRequest(sources, **fields)  # type: ignore[arg-type]


def done(position: int = 0, name: str = "a.jpg") -> DoneEntry:
    """Give a complete entry, deflated, behind the first 4 GiB, its CRC beyond 31 bits."""
    return DoneEntry(
        position=position,
        name=name,
        offset=5 * 2**32,
        method=8,
        crc=0xFFFF_FFFE,
        compressed_size=1_000,
        size=1_500,
        modified_at=1_700_000_000,
    )


def opened(position: int = 1, written: int = 700) -> OpenEntry:
    """Give an entry under way."""
    return OpenEntry(
        position=position,
        name="photos/1.jpg",
        offset=6 * 2**32,
        header_size=61,
        size=9_000,
        written=written,
        crc=0x8000_0001,
        etag='"v1"',
        last_modified="Sun, 01 Mar 2026 12:00:00 GMT",
        content_type="image/jpeg",
        modified_at=1_700_000_001,
    )


def opened_in_segments(position: int = 1) -> OpenEntry:
    """Give an entry under way that three transfers bring."""
    further = WrittenSegment(3_000, 1_200, 0xFFFF_FFFF), WrittenSegment(8_000, 1, 0)
    return replace(opened(position), segments=further)


def failed(position: int = 2) -> FailedEntry:
    """Give a file that failed for good."""
    failure = Failure(FailureCode.HTTP_STATUS, "The origin answered 404.", 404, attempts=3)
    return FailedEntry(position, "2.jpg", failure)


def checkpoint(*entries: Entry, tail: int = 7 * 2**32) -> Checkpoint:
    """Put entries into a checkpoint."""
    return Checkpoint(
        tail=tail,
        progress=PROGRESS,
        done=tuple(e for e in entries if isinstance(e, DoneEntry)),
        open=tuple(e for e in entries if isinstance(e, OpenEntry)),
        failed=tuple(e for e in entries if isinstance(e, FailedEntry)),
    )


def begun(store: JobStore, files: int = 3, **fields: object) -> Run:
    """Create a job and begin its first run."""
    run = store.begin(store.create(request(files, **fields), defer=no_defer))
    assert run is not None
    return run


def in_state(store: JobStore, state: JobState, *, client: str = "") -> str:
    """Lead a new job of a client into a state, and give its hash."""
    hash_ = store.create(request(client=client), defer=no_defer)
    if state is JobState.CANCELLED:
        store.cancel(hash_)
    if state in {JobState.QUEUED, JobState.CANCELLED}:
        return hash_
    run = store.begin(hash_)
    assert run is not None
    if state is JobState.FAILED:
        store.fail(run.fence, FAILURE, checkpoint(done(0), opened(1), failed(2)))
    if state in {JobState.COMPLETED, JobState.EXPIRED}:
        store.complete(run.fence, PUBLISHED, checkpoint(done()))
    if state is JobState.EXPIRED:
        store.expire(hash_)
    assert store.get(hash_).state is state
    return hash_


class Notes:
    """Notes what a change of state brings along, and fails at it where told to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.jobs: list[Job] = []
        self._fails = fails

    def __call__(self, _connection: Connection, job: Job) -> None:
        self.jobs.append(job)
        if self._fails:
            raise RuntimeError("no message could be written")
