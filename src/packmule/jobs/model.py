r"""What a job is, which states it passes through, and what is remembered of its files.

Owns the values that the job store keeps and every stage shares. Leaves how they are kept to
`store.py`. The law is `TRANSITIONS`: no other change of state exists.

    queued ──> running ──> completed ──> expired
      ^  \        |  \
      |   \       |   └──> failed ──(retry)──> queued
      |    └──────┴──────> cancelled
      └─(attempt lost: taken over, stays running under a higher attempt number)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from packmule.errors import UsageError
from packmule.jobs.storable_text import why_unstorable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from packmule.errors import Failure, WarningCode
    from packmule.jobs.expected import Expected


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class OnError(StrEnum):
    """What becomes of the job when a file fails for good."""

    FAIL = "fail"
    SKIP = "skip"


class OnHtml(StrEnum):
    """What becomes of a web page that comes where the link does not announce one."""

    REPORT = "report"
    FAIL = "fail"


class Compression(StrEnum):
    """Which entries are deflated."""

    AUTO = "auto"
    STORE = "store"
    DEFLATE = "deflate"


class Manifest(StrEnum):
    """What an archive says of its own files."""

    NONE = "none"
    SUMS = "sums"
    BAGIT = "bagit"


class FileState(StrEnum):
    """Where a file is: `open` has a place and some bytes in the archive."""

    PENDING = "pending"
    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


# Who may change what: from each state, the states that may follow (the method of the store).
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {JobState.RUNNING, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}
    ),
    JobState.FAILED: frozenset({JobState.QUEUED, JobState.EXPIRED}),
    JobState.COMPLETED: frozenset({JobState.EXPIRED}),
    JobState.CANCELLED: frozenset({JobState.EXPIRED}),
    JobState.EXPIRED: frozenset(),
}


# What the name of a client without a key begins with; its address follows.
ADDRESS_CLIENT = "address:"


class Source(NamedTuple):
    """One URL to fetch, as the caller gave it; `name` only where the caller chose one.

    `expected` is what the caller says of the file.
    """

    position: int
    url: str
    name: str | None = None
    expected: Expected | None = None


def check_names(sources: Iterable[Source]) -> None:
    """Raise UsageError where the name of a source cannot be kept."""
    for position, _, name, _ in sources:
        if name is not None and (fault := why_unstorable(name)) is not None:
            raise UsageError(f"the name of link {position + 1} {fault}.")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a caller asked for, checked; `expires_in` in seconds.

    With `max_part_bytes` it becomes several archives of whole files.

    Raises UsageError where a text cannot be kept in every job database.
    """

    sources: tuple[Source, ...]
    name: str | None = None
    on_error: OnError = OnError.FAIL
    on_html: OnHtml = OnHtml.REPORT
    compression: Compression = Compression.AUTO
    manifest: Manifest = Manifest.NONE
    max_part_bytes: int | None = None
    webhook_url: str | None = None
    expires_in: float | None = None
    priority: int = 0
    client: str = ""
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        check_names(self.sources)
        for position, url, *_ in self.sources:
            if (fault := why_unstorable(url)) is not None:
                raise UsageError(f"link {position + 1} {fault}.")
        for word, text in (
            ("the archive's name", self.name),
            ("the webhook's URL", self.webhook_url),
            ("the client's name", self.client),
            ("the idempotency key", self.idempotency_key),
        ):
            if text is not None and (fault := why_unstorable(text)) is not None:
                raise UsageError(f"{word} {fault}.")


class WaitingFile(NamedTuple):
    """A file that waits for its next try, at `next_attempt_at` in POSIX seconds.

    `failure` is why the last try failed; `name` is what the caller wants it to be called.
    """

    position: int
    name: str | None
    failure: Failure
    next_attempt_at: float


MOST_WAITING = 20
"""Waiting files that a job's progress lists, the soonest first."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `bytes_total` is None until every file's length is known.

    `bytes_expected` estimates it until then, from the lengths that are known; None without any.

    `waiting` lists at most MOST_WAITING files; `files_open` counts those whose bodies arrive, in
    this process.
    """

    files_total: int = 0
    files_done: int = 0
    files_failed: int = 0
    bytes_done: int = 0
    bytes_total: int | None = None
    bytes_per_second: float = 0.0
    waiting: tuple[WaitingFile, ...] = ()
    files_open: int = field(default=0, compare=False)
    bytes_expected: int | None = None


class DoneEntry(NamedTuple):
    """A complete entry: its local header stands at `offset`, its body right behind it.

    `warning` says what came in the file's place, `receipt` (`receipts.py`) what a manifest tells of
    it. A tuple, because one is made for every file.
    """

    position: int
    name: str
    offset: int
    method: int
    crc: int
    compressed_size: int
    size: int
    modified_at: int | None = None
    warning: WarningCode | None = None
    receipt: str | None = None


class WrittenSegment(NamedTuple):
    """Body bytes that are surely in their place: `written` bytes from byte `start` on.

    `crc` is their CRC-32.
    """

    start: int
    written: int
    crc: int

    @property
    def stop(self) -> int:
        """Return the number of the first byte behind it."""
        return self.start + self.written


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An entry under way: `written` body bytes are surely in their place, and `crc` is theirs.

    `size` is the length its place was reserved for; `etag` and `last_modified` are the validator
    (the strings as the origin sent them), `content_type` tells a login page from the file.
    `segments` are written further on: in order, apart from one another and from the beginning.
    """

    position: int
    name: str
    offset: int
    header_size: int
    size: int
    written: int
    crc: int
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = None
    modified_at: int | None = None
    warning: WarningCode | None = None
    segments: tuple[WrittenSegment, ...] = ()

    @property
    def all_segments(self) -> tuple[WrittenSegment, ...]:
        """Return what is written, its beginning included, which may be empty."""
        return (WrittenSegment(0, self.written, self.crc), *self.segments)

    @property
    def bytes_written(self) -> int:
        """Return how many bytes are written in all."""
        return self.written + sum(one.written for one in self.segments)


class Part(NamedTuple):
    """A part of an archive that goes to the storage while the archive is assembled.

    Its bytes are the half-open ranges `extents` of the scratch, one behind the other; in the
    archive parts follow one another by number. `etag` is what the storage calls it, None until the
    storage has it.
    """

    number: int
    extents: tuple[tuple[int, int], ...]
    etag: str | None = None

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return sum(stop - start for start, stop in self.extents)


class NewPart(NamedTuple):
    """A complete part of a split archive, made of an area of places (`split_places.py`).

    `files` counts the caller's, `has_report`: it says which ones are missing.
    """

    area: int
    size: int
    etag: str
    files: int
    has_report: bool


class ArchivePart(NamedTuple):
    """A complete part as it is kept: `number` counts from 1, in the order of completion.

    `version` is the job's when it was completed; the rest is as in NewPart.
    """

    number: int
    version: int
    area: int
    size: int
    etag: str
    files: int
    has_report: bool


@dataclass(frozen=True, slots=True)
class Uploads:
    """What became certain of an archive's parts: those that changed, and those given up (`lost`).

    `upload` is the storage's name for all of them together, None where there is none any more;
    `begun` is the highest number that was ever given to a part of it.
    """

    upload: str | None
    begun: int
    parts: tuple[Part, ...] = ()
    lost: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """A file that failed for good, and the name it would have had."""

    position: int
    name: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Renewal:
    """Which failed files a retry tries again, all if `positions` is None, and their new links."""

    positions: frozenset[int] | None = None
    urls: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What became certain since the last checkpoint; everything not in one is unknown.

    `tail` is the archive's length so far, places included. Entries are those that changed.
    A checkpoint never claims a byte that is not written. `forgotten` are the positions of files
    whose bytes turned out to be gone. A file that is both open and failed has failed, and keeps
    its place and bytes for a retry; `dropped` are the positions of those that keep them no more.
    """

    tail: int
    progress: Progress
    done: tuple[DoneEntry, ...] = ()
    open: tuple[OpenEntry, ...] = ()
    failed: tuple[FailedEntry, ...] = ()
    uploads: Uploads | None = None
    forgotten: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """All checkpoints of a job added up: where an attempt begins.

    A file that is both open and failed has failed, and keeps its place and bytes.
    """

    tail: int = 0
    done: tuple[DoneEntry, ...] = ()
    open: tuple[OpenEntry, ...] = ()
    failed: tuple[FailedEntry, ...] = ()
    upload: str | None = None
    begun: int = 0
    parts: tuple[Part, ...] = ()


class StorageWait(NamedTuple):
    """A job waits for the object store; `reason` is for the operator."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store knows it.

    `attempt` is the fencing number of its latest run; `version` is one more at each change.
    `finishing`: it is to be completed now, with what is packed.
    """

    id: int
    hash: str
    state: JobState
    attempt: int
    created_at: datetime
    name: str | None
    on_error: OnError
    compression: Compression
    priority: int
    client: str
    progress: Progress
    on_html: OnHtml = OnHtml.REPORT
    manifest: Manifest = Manifest.NONE
    max_part_bytes: int | None = None
    webhook_url: str | None = None
    expires_in: float | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    size: int | None = None
    etag: str | None = None
    failure: Failure | None = None
    version: int = 0
    storage_wait: StorageWait | None = None
    finishing: bool = False


MOST_FRUITLESS_RUNS = 5
"""Runs in a row without progress after which a job is run no more: it may kill its workers."""


class Fence(NamedTuple):
    """What every write of a run carries: the row of its job, its attempt, and a token of its own.

    Row and attempt alone would not do: a database that was restored, or a standby that has taken
    over without the last commits, gives the same numbers again. The token is drawn at random.
    """

    job_id: int
    attempt: int
    token: str


@dataclass(frozen=True, slots=True)
class Run:
    """A job handed to a worker, under the attempt and the token that every later write must carry.

    `recorded_by` is the attempt that recorded the last checkpoint: what is remembered lies in its
    scratch, or in one that was made of it. `fruitless` counts the runs in a row before this one
    that came no further than those before them; what is remembered is left out where they are
    MOST_FRUITLESS_RUNS, because reading it may be what kills the worker. `archive_parts` are the
    complete parts of a split archive.
    """

    job: Job
    attempt: int
    sources: Sequence[Source]
    remembered: Remembered = field(default_factory=Remembered)
    recorded_by: int = 0
    token: str = ""
    fruitless: int = 0
    archive_parts: tuple[ArchivePart, ...] = ()

    @property
    def fence(self) -> Fence:
        """Return what the job store must be shown with every write."""
        return Fence(self.job.id, self.attempt, self.token)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a job, as the caller may see it.

    `warning`: it is in the archive, but something else came in its place.
    """

    position: int
    url: str
    name: str | None
    state: FileState
    bytes_done: int
    bytes_total: int | None
    failure: Failure | None
    warning: WarningCode | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """An archive in storage: its length in bytes and strong validator (RFC 9110 8.8.3)."""

    size: int
    etag: str
