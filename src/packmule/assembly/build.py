"""From a queued job to a published archive: the pipeline, and the file to read first.

    begin ──> claim ──> fetch and assemble ──each second: checkpoint──> finish ──> publish
                            |        └──────────> fail                                |
                            └── asked to stop: keep all, run again later          complete

Owns the order in which things become certain. Nothing is claimed before it is on disk: blocks are
written, then synced, then told to the job store. Nothing is overwritten before the store knows that
it is claimed no longer: what failed is told before the directory is written where it was. The
archive is published before the job is completed. So a kill at any moment leaves something that this
same function resumes; and a run that was believed dead finds that nothing is its own any
more (docs/decisions/0009-fencing.md).
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.assembly.assembly import Assembly
from packmule.assembly.body_check import digested
from packmule.assembly.draining import PatientStop
from packmule.assembly.fencing import CancellationWatcher, scratch_size
from packmule.assembly.finish_upload import StopAsked, finish_upload, holds_recorded, watcher
from packmule.assembly.left_behind import is_settled, stored
from packmule.assembly.manifest.archive_manifest import ArchiveManifest
from packmule.assembly.outcomes_told import count_checkpoint, quarantined, tell_failed
from packmule.assembly.resuming import dropped, given_up, ranges_of_scratch, usable
from packmule.assembly.run import Resolved, Stopped, assemble
from packmule.assembly.split.split_archive import SplitArchive, no_message
from packmule.engine.interface import Later
from packmule.errors import (
    ArchiveTooLarge,
    DatabaseAway,
    DiskFull,
    Failure,
    FailureCode,
    NotFound,
    StaleAttempt,
    StorageAway,
    StorageFailed,
    UploadLost,
)
from packmule.jobs.model import (
    MOST_FRUITLESS_RUNS,
    Checkpoint,
    JobState,
    OnError,
    Published,
)
from packmule.outbound.expired_links import EXPIRED_DETAIL
from packmule.outbound.job_queue import JobQueue
from packmule.telemetry.context import about, as_extra
from packmule.telemetry.metrics import (
    ARCHIVE_BYTES,
    ARCHIVE_SECONDS,
    ARCHIVES_COMPLETED,
    ATTEMPTS,
)
from packmule.telemetry.tracing import span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Event

    from packmule.assembly.draining import Drain
    from packmule.assembly.resources import SharedResources
    from packmule.assembly.resuming import Ranges
    from packmule.jobs.model import Remembered, Run
    from packmule.jobs.reads import FailedLink
    from packmule.jobs.store import JobStore, WithPart
    from packmule.jobs.transitions import InSameTransaction
    from packmule.storage.interface import Storage, StoredArchive

    MakeRoomFor = Callable[[str, int | None, int], bool]
    RefreshLinks = Callable[[str, Sequence[FailedLink], Event], Mapping[int, str]]

_log = logging.getLogger(__name__)

# Seconds between two tries at a storage that cannot be used; they double up to it.
_LONGEST_WAIT = 60.0
_DOUBLINGS = 6

# Runs in a row whose new links have brought nothing, and links asked for at the end of one.
_MOST_REFRESHES = 3
_MOST_EXPIRED = 1000

# Seconds after which a job whose run was overtaken is looked at again, if the task is still ours.
_OVERTAKEN_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Renewed:
    """Every source is done or has failed, but some that failed have new links for the next run."""


def no_room(_client: str, _wanted: int | None, _in_all: int) -> bool:
    """Make no room: there is nothing that could go."""
    return False


class Builder:
    """Builds the archives of the jobs in a store: the engine's handler of the task `build`."""

    def __init__(
        self,
        store: JobStore,
        storage: Storage,
        resources: SharedResources,
        *,
        in_same_transaction: InSameTransaction | None = None,
        with_part: WithPart = no_message,
        make_room: MakeRoomFor = no_room,
        drain: Drain | None = None,
        refresh: RefreshLinks | None = None,
    ) -> None:
        """Join the parts; `in_same_transaction` comes true together with a job's end.

        `refresh(hash, links, stop)` returns new links in place of expired ones, by position.

        `with_part` does so together with that of each part of a split archive.

        `drain` says how long jobs may go on when the process is to end; None: not at all.

        `make_room(client, wanted, in_all)` is asked on behalf of a job's client, as
        `space_check.MakeRoom` says.
        """
        self._in_same_transaction = in_same_transaction
        self._with_part = with_part
        self._make_room = make_room
        self._drain = drain
        self._refresh = refresh
        self._store = store
        self._storage = storage
        self._resources = resources
        self._holdings = CancellationWatcher(store.still_held)

    def build(self, key: str, stop: Event) -> Later | None:
        """Run the job of that hash to its end; Later where it was stopped before."""
        run = self._store.begin(key)
        if run is None:
            return self._stand_aside(key)
        with about(job=key, attempt=run.attempt), span("build", key, attempt=run.attempt):
            _log.info("job started")
            ATTEMPTS.inc()
            if run.fruitless >= MOST_FRUITLESS_RUNS:
                return self._fail(run, quarantined(run.fruitless))
            try:
                again = self._run(run, stop)
            except StopAsked:
                _log.info("job paused")
                again = self._pause(run)
            except StaleAttempt:
                _log.info("job overtaken or cancelled")
                again = self._stand_aside(key)
            except DatabaseAway:
                # No fault of this job's: the engine runs it again, from its last checkpoint.
                raise
            except DiskFull as error:
                if self._finds_room(run.job.client, error.wanted, error.in_all):
                    again = self._pause(run)
                else:
                    again = self._fail_for_room(run, error)
            except ArchiveTooLarge as error:
                again = self._fail(run, Failure(FailureCode.ARCHIVE_TOO_LARGE, str(error)))
            except StorageFailed as error:
                again = self._after_storage(run, error)
            return again

    def _after_storage(self, run: Run, error: StorageFailed) -> Later | None:
        """Decide what becomes of a job whose storage has refused something."""
        match error:
            case UploadLost():
                return self._refetch_or_fail(run, error)
            case StorageAway():
                return self._wait_or_fail(run, error)
        return self._fail(run, Failure(FailureCode.STORAGE, str(error)))

    def _refetch_or_fail(self, run: Run, error: UploadLost) -> Later | None:
        """Run the job again without what the storage has lost; not for ever."""
        if run.fruitless + 1 >= MOST_FRUITLESS_RUNS:
            return self._fail(run, Failure(FailureCode.STORAGE, str(error)))
        _log.warning("job restarted reason=%s", error)
        return Later(0.0)

    def _wait_or_fail(self, run: Run, error: StorageAway) -> Later | None:
        """Run the job again when the storage may be back; not for longer than the operator says."""
        try:
            waited = self._store.wait_for_storage(run.fence, str(error))
        except StaleAttempt:
            return self._stand_aside(run.job.hash)
        longest = self._resources.limits.storage_wait
        if waited >= longest:
            detail = f"{error} The job has waited for {waited / 3600:.1f} hours."
            return self._fail(run, Failure(FailureCode.STORAGE, detail))
        _log.warning("job postponed waited_seconds=%d reason=%s", waited, error)
        delay = min(_LONGEST_WAIT, 2.0 ** min(run.attempt, _DOUBLINGS), longest - waited)
        return self._pause(run, delay)

    def _pause(self, run: Run, delay: float = 0.0) -> Later:
        """Run the job again later; this run ended for no fault of the job's, and does not count."""
        self._store.release(run.fence)
        return Later(delay)

    def _fail_for_room(self, run: Run, error: DiskFull) -> Later | None:
        """Fail the job; without its scratch where not even that can be recorded on the full disk.

        A retry fetches again what was in it then.
        """
        failure = Failure(FailureCode.DISK_FULL, str(error))
        try:
            return self._fail(run, failure)
        except DiskFull:
            _log.warning("scratch removed reason=the failure could not be recorded")
            self._storage.discard(run.job.hash)
            return self._fail(run, failure)

    def _finds_room(self, client: str, wanted: int | None, in_all: int) -> bool:
        """Make room where archives may go for it."""
        try:
            found = self._make_room(client, wanted, in_all)
        except (DiskFull, StorageFailed) as refused:
            _log.warning("making room failed reason=%s", refused)
            return False
        if found:
            _log.info("room made wanted_bytes=%s", wanted)
        return found

    def _run(self, run: Run, stop: Event) -> Later | None:
        key, attempt = run.job.hash, run.attempt
        of_scratch = ranges_of_scratch(run.remembered)
        with ExitStack() as claims:
            claim = self._storage.claim(key, attempt, of_scratch, run.recorded_by)
            scratch = claims.enter_context(claim)
            held = scratch_size(scratch)
            split = self._split(run, claims)
            archive = None if split else self._published_before(run, held, stop)
            if archive is None:
                in_areas = None if split is None else self._taken_up(run, split, stop)
                stream = None if split else self._storage.stream(key, attempt, scratch)
                title = (run.job.name or key).removesuffix(".zip")
                known = ArchiveManifest(run.job.manifest, title).known(run.remembered)
                in_order = digested(run.sources, run.job.manifest)
                remembered = usable(
                    known, held, stored(stream, run), in_areas=in_areas, in_order=in_order
                )
                areas = None if split is None else split.begin(remembered)
                assembly = Assembly(
                    run.sources,
                    remembered,
                    scratch,
                    self._resources,
                    compression=run.job.compression,
                    on_html=run.job.on_html,
                    manifest=run.job.manifest,
                    title=title,
                    queue=JobQueue(as_extra(), client=run.job.client, priority=run.job.priority),
                    stream=stream,
                    make_room=partial(self._finds_room, run.job.client),
                    keeps_failed=True,
                    areas=areas,
                )
                with span("assemble", files=len(run.sources)):
                    outcome, finished = self._assemble(run, assembly, stop, remembered, split)
        # From here on the scratch is let go: the next attempt need not wait for this one's end.
        if archive is not None:
            # Killed between publishing and completing: nothing is left to do but to say so.
            self._complete(run, _told(archive), Checkpoint(run.remembered.tail, run.job.progress))
            self._prune(run, archive)
        elif isinstance(outcome, Stopped):
            _log.info("job paused")
            return self._pause(run)
        elif isinstance(outcome, Renewed):
            return Later(0.0)
        elif finished is None:
            return self._fail_for_files(run, outcome)
        elif isinstance(finished, SplitArchive):
            rest = Checkpoint(outcome.rest.tail, outcome.rest.progress)
            self._complete(run, finished.published, rest)
            self._prune(run, finished)
        else:
            with span("publish"):
                archive = self._published(key, attempt, finished)
            rest = Checkpoint(outcome.rest.tail, outcome.rest.progress)
            self._complete(run, _told(archive), rest)
            self._prune(run, archive)
        return None

    def _split(self, run: Run, claims: ExitStack) -> SplitArchive | None:
        """Return the parts of a job whose archive is split; `claims` lets go of their scratch."""
        if run.job.max_part_bytes is None:
            return None
        limits = self._resources.limits
        split = SplitArchive(run, self._storage, self._store, limits, self._with_part)
        claims.callback(split.close)
        return split

    def _taken_up(self, run: Run, split: SplitArchive, stop: Event) -> Ranges:
        """Return the places that earlier runs have left bytes in. Raises StopAsked."""
        with self._holdings.watched(run, lambda: None) as watched:
            return split.take_up(watcher(watched.check, stop))

    def _published(self, key: str, attempt: int, finished: Path | StoredArchive) -> StoredArchive:
        if isinstance(finished, Path):
            return self._storage.publish(key, attempt, finished)
        # It was uploaded while it was assembled.
        self._storage.confirm(key, attempt)
        return finished

    def _published_before(self, run: Run, held: int, stop: Event) -> StoredArchive | None:
        """Return the archive that an earlier attempt published before it could say so, or None.

        Raises StopAsked.
        """
        if not is_settled(run) or (held and run.remembered.upload is None):
            return None
        archive = self._storage.find(run.job.hash)
        if archive is None:
            return None
        full = self._resources.limits.read_back
        with self._holdings.watched(run, lambda: None) as watched:
            watch, manifest = watcher(watched.check, stop), run.job.manifest
            if not holds_recorded(archive, run.remembered, watch, manifest=manifest, full=full):
                return None
        self._storage.confirm(run.job.hash, run.attempt)
        return archive

    def _assemble(
        self,
        run: Run,
        assembly: Assembly,
        stop: Event,
        remembered: Remembered,
        split: SplitArchive | None,
    ) -> tuple[Stopped | Resolved | Renewed, Path | StoredArchive | SplitArchive | None]:
        """Assemble; give the finished file, archive, or parts, too where there are to be any."""
        try:
            forgotten, uploads = given_up(run.remembered, remembered)
            lost = dropped(run.remembered, remembered)
            if forgotten or lost or uploads is not None:
                # Before anything is written where it was: the next run must not take that for it.
                known = assembly.progress()
                first = Checkpoint(
                    assembly.tail, known, uploads=uploads, forgotten=forgotten, dropped=lost
                )
                self._record(run, first)
            record: Callable[[Checkpoint], None] = partial(self._record, run)
            watch = None
            if split is not None:
                record = split.noting(record)
                watch = partial(split.publish_ready, assembly)
            patient = PatientStop(stop, self._drain, assembly.progress)
            with self._holdings.watched(run, assembly.ask_checkpoint) as watched:
                check, finish = watched.check, watched.finish
                outcome = assemble(
                    assembly, record, patient, check=check, finish=finish, watch=watch
                )
                if isinstance(outcome, Resolved) and outcome.failed and self._refresh is not None:
                    record(outcome.rest)
                    assembly.recorded()
                    outcome = replace(outcome, rest=assembly.checkpoint())
                    if not watched.finish.is_set() and self._renews(run, stop):
                        return Renewed(), None
                may_lack = run.job.on_error is OnError.SKIP or watched.finish.is_set()
                if isinstance(outcome, Stopped) or (
                    outcome.failed and not (may_lack and outcome.done)
                ):
                    return outcome, None
                # From here on nothing is fetched any more, and no failed file tried again.
                if assembly.ledger.has_kept:
                    record(outcome.rest)
                    assembly.recorded()
                    assembly.ledger.drop_kept()
                    outcome = replace(outcome, rest=assembly.checkpoint())
                progress = replace(outcome.rest.progress, bytes_per_second=0.0)
                outcome = replace(outcome, rest=replace(outcome.rest, progress=progress))
                record(outcome.rest)
                assembly.recorded()
                if split is not None:
                    split.finish(assembly)
                    return outcome, split
                if assembly.sender is not None and assembly.sender.has_begun:
                    return outcome, finish_upload(assembly, record, watched.check, patient)
            finished, _size = assembly.finish()
            return outcome, finished
        finally:
            assembly.close()

    def _renews(self, run: Run, stop: Event) -> bool:
        """Give files whose link has expired new links; return whether there were any.

        Not for ever: runs in a row that have brought nothing are counted. Raises StopAsked.
        """
        if self._refresh is None or run.fruitless + 1 >= _MOST_REFRESHES:
            return False
        expired = self._store.failed_with(run.job.id, EXPIRED_DETAIL, _MOST_EXPIRED)
        found = self._refresh(run.job.hash, expired, stop) if expired else {}
        if found:
            self._store.renew(run.fence, found)
        elif expired and stop.is_set():
            raise StopAsked  # nobody has answered yet: the next process asks again
        return bool(found)

    def _stand_aside(self, key: str) -> Later | None:
        """Remove what runs have left of a job that nobody will take up; Later for one that is open.

        The run that overtook this one may be of a worker that has lost the task to us: then only
        ours can end it, and it must not be finished before the job is.
        """
        try:
            state = self._store.get(key).state
        except NotFound:
            # Its database was restored to a time before it: the task is all that is left of it.
            return None
        match state:
            case JobState.QUEUED | JobState.RUNNING:
                return Later(_OVERTAKEN_PAUSE)
            case JobState.CANCELLED | JobState.EXPIRED:
                self._storage.remove(key)
            case JobState.COMPLETED:
                self._storage.discard(key)
            case JobState.FAILED:
                pass
        return None

    def _record(self, run: Run, checkpoint: Checkpoint) -> None:
        self._store.checkpoint(run.fence, checkpoint)
        count_checkpoint(checkpoint)

    def _complete(self, run: Run, published: Published, rest: Checkpoint) -> None:
        self._store.complete(
            run.fence, published, rest, in_same_transaction=self._in_same_transaction
        )
        _log.info("job completed bytes=%d", published.size)
        ARCHIVES_COMPLETED.inc()
        ARCHIVE_BYTES.inc(by=published.size)
        ARCHIVE_SECONDS.observe(max(0.0, time.time() - run.job.created_at.timestamp()))

    def _prune(self, run: Run, archive: StoredArchive | SplitArchive) -> None:
        """Remove what a completed job has left besides its archive."""
        try:
            if isinstance(archive, SplitArchive):
                archive.prune()
            else:
                self._storage.prune(run.job.hash, run.attempt, archive)
        except (StorageFailed, DiskFull) as error:
            # The sweep, or the archive's removal, takes it away later.
            _log.warning("left-overs kept reason=%s", error)

    def _fail_for_files(self, run: Run, outcome: Resolved) -> Later | None:
        """Fail the job, unless it was just asked to be completed without what has failed."""
        detail = f"{outcome.failed} of {outcome.done + outcome.failed} files could not be fetched"
        failure = Failure(FailureCode.FILES_FAILED, detail)
        try:
            self._store.fail(
                run.fence,
                failure,
                outcome.rest,
                unless_finishing=outcome.done > 0,
                in_same_transaction=self._in_same_transaction,
            )
        except StaleAttempt:
            # Refused again where the job is no longer this run's.
            self._record(run, outcome.rest)
            return self._pause(run)
        count_checkpoint(outcome.rest)
        tell_failed(failure)
        return None

    def _fail(self, run: Run, failure: Failure) -> Later | None:
        try:
            self._store.fail(run.fence, failure, in_same_transaction=self._in_same_transaction)
        except StaleAttempt:
            return self._stand_aside(run.job.hash)
        tell_failed(failure)
        return None


def _told(archive: StoredArchive) -> Published:
    return Published(archive.size, archive.etag)
