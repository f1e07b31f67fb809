"""The parts of one split archive, in one run of its job.

Owns when a part is complete, and the order in which that becomes certain: all its files are in a
durable checkpoint, then its directory is written, then it is published, then the job store knows
it. So a kill at any moment leaves what the next run takes up: scratch, or a part that is published
and not known yet, which is compared with what the checkpoints say of it. Leaves finishing a file to
`finish_local`, which entry is where to `split_plan`.

    area is no longer current, and nothing in it is open ──> a checkpoint later ──> published

A file that failed and keeps its place for a retry keeps its area open too.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING

from packmule.assembly.done_entries import DoneEntries
from packmule.assembly.fencing import scratch_size
from packmule.assembly.finish_local import finish as finish_file
from packmule.assembly.finish_upload import holds_recorded
from packmule.assembly.missing import report
from packmule.assembly.resuming import claimed_ranges, entry_end
from packmule.assembly.split.area_files import AreaFiles
from packmule.assembly.split.areas import Areas
from packmule.assembly.split.split_plan import END_BYTES, SplitPlan, entry_bytes
from packmule.jobs.model import NewPart, Published, Remembered
from packmule.jobs.split_places import AREA_SPAN, area_begin, area_of
from packmule.storage.interface import part_key
from packmule.telemetry.metrics import PARTS_COMPLETED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from packmule.assembly.assembly import Assembly
    from packmule.assembly.own_entry import OwnEntry
    from packmule.assembly.resources import AssemblyLimits
    from packmule.assembly.resuming import Ranges
    from packmule.jobs.model import (
        ArchivePart,
        Checkpoint,
        DoneEntry,
        FailedEntry,
        Job,
        Progress,
        Run,
    )
    from packmule.jobs.store import JobStore, WithPart
    from packmule.storage.interface import Storage, StoredArchive

_log = logging.getLogger(__name__)


def no_message(_connection: Connection, _job: Job, _part: ArchivePart) -> None:
    """Write no message about a complete part."""


class SplitArchive:
    """The parts of a job's archive; `with_part` comes true together with the end of each.

    Used by the job's thread, but for opening an area. Raises StaleAttempt, DiskFull, StorageFailed.
    """

    def __init__(
        self,
        run: Run,
        storage: Storage,
        store: JobStore,
        limits: AssemblyLimits,
        with_part: WithPart,
    ) -> None:
        self._run = run
        self._limit = run.job.max_part_bytes or 0
        self._storage = storage
        self._store = store
        self._limits = limits
        self._with_part = with_part
        self._parts = list(run.archive_parts)
        self._claims: dict[int, tuple[ExitStack, Path]] = {}
        self._ranges = claimed_ranges(run.remembered)
        self._files = AreaFiles(self._claim, limits.min_free_bytes)
        # What checkpoints say is done, in areas that are not published; by position.
        self._done: dict[int, dict[int, DoneEntry]] = defaultdict(dict)
        self._quiet: set[int] = set()
        self._plan = SplitPlan(self._limit, Remembered(), self._parts)

    def __repr__(self) -> str:
        return f"<SplitArchive {len(self._parts)} parts, {len(self._done)} areas>"

    # The beginning.

    def take_up(self, watch: Callable[[], None]) -> Ranges:
        """Hold what earlier runs have left, and return the places of which there are bytes.

        `watch` ends a long look at what was published. Raises what it raises.
        """
        known = self._run.remembered
        areas = {area_of(one.offset) for one in known.done}
        areas |= {area_of(one.offset) for one in known.open}
        for area in sorted(areas - self._published_areas):
            if not scratch_size(self._claim(area)) and (found := self._found(area, watch)):
                self._release(area)
                self._note(*found)
                self._storage.confirm(self._key(area), self._run.attempt)
        held = {
            area: AREA_SPAN if area in self._published_areas else scratch_size(self._claim(area))
            for area in areas
        }
        return [(area_begin(area), area_begin(area) + held[area]) for area in sorted(areas)]

    def begin(self, remembered: Remembered) -> Areas:
        """Return where the assembly of what is left is to write."""
        self._take(remembered.done)
        self._plan = SplitPlan(self._limit, remembered, self._parts)
        return Areas(self._files, self._plan)

    def _found(
        self, area: int, watch: Callable[[], None]
    ) -> tuple[int, StoredArchive, int, bool] | None:
        """Return what an earlier run published before it could say so; None where it did not."""
        known = self._run.remembered
        if any(area_of(one.offset) == area for one in known.open):
            return None
        archive = self._storage.find(self._key(area))
        if archive is None:
            return None
        done = tuple(one for one in known.done if area_of(one.offset) == area)
        reports: list[tuple[FailedEntry, ...]] = [(), known.failed] if known.failed else [()]
        for failed in reports:
            wanted = Remembered(done=done, failed=failed)
            if holds_recorded(archive, wanted, watch, full=self._limits.read_back):
                return area, archive, len(done), bool(failed)
        return None

    # Meanwhile.

    def noting(self, record: Callable[[Checkpoint], None]) -> Callable[[Checkpoint], None]:
        """Return what records a checkpoint, and then knows what it says is done."""

        def noted(checkpoint: Checkpoint) -> None:
            record(checkpoint)
            self._take(checkpoint.done)

        return noted

    def publish_ready(self, assembly: Assembly, _progress: Progress) -> None:
        """Publish the areas in which nothing was open at the last look, a checkpoint ago."""
        for area in sorted(self._quiet):
            self._publish(assembly, area)
        # In this order: nothing new comes into an area once another is current.
        current = self._plan.current
        busy = {area_of(place) for place in assembly.ledger.busy_places()}
        self._quiet = self._done.keys() - busy - {current}
        if self._quiet:
            assembly.ask_checkpoint()

    # The end.

    def finish(self, assembly: Assembly) -> None:
        """Publish what is left, the part that says what is missing as the last."""
        failed = assembly.ledger.failed_entries
        left = sorted(self._done)
        if not failed or any(part.has_report for part in self._parts):
            behind, told = None, None
        else:
            behind = left[-1] if left else None
            told = self._report(failed, behind)
            if told is None:
                behind, told = None, self._report(failed, None)
        for area in left:
            self._publish(assembly, area, (told,) if told and area == behind else ())
        if told and behind is None:
            self._publish(assembly, self._plan.begin_area(), (told,))

    @property
    def published(self) -> Published:
        """All parts together, under the entity tag of the first."""
        return Published(sum(part.size for part in self._parts), self._parts[0].etag)

    def prune(self) -> None:
        """Remove all but the parts of the completed job."""
        self._storage.discard(self._run.job.hash)
        if self._run.attempt > 1:  # else nobody else has published anything
            for part in self._parts:
                key = self._key(part.area)
                if (archive := self._storage.find(key, part.etag)) is not None:
                    self._storage.prune(key, self._run.attempt, archive)

    def close(self) -> None:
        """Release the scratch that is held."""
        for area in list(self._claims):
            self._release(area)

    def _report(self, failed: Iterable[FailedEntry], area: int | None) -> OwnEntry | None:
        """Return the entry that says what is missing; None where it does not fit into an area."""
        done = () if area is None else tuple(self._done[area].values())
        told = report(self._run.sources, failed, done)
        if told is None or area is None:
            return told
        headers = [entry_end(one) - one.offset - one.compressed_size for one in done]
        length = max(map(entry_end, done)) - area_begin(area)
        size = length + sum(entry_bytes(header, 0) - header for header in headers)
        size += entry_bytes(told.entry(0).header_size, len(told.body)) + END_BYTES
        return told if size <= self._limit else None

    def _publish(self, assembly: Assembly, area: int, own: Sequence[OwnEntry] = ()) -> None:
        done, begin = self._done.pop(area, {}), area_begin(area)
        # Blocks of a body that was let go may be on their way to the area.
        assembly.scratch.settle()
        entries = DoneEntries(one._replace(offset=one.offset - begin) for one in done.values())
        file = self._files.of(area)
        path, _ = finish_file(file, entries, own, read_back=self._limits.read_back)
        self._files.release(area)
        self._release(area)
        archive = self._storage.publish(self._key(area), self._run.attempt, path)
        self._note(area, archive, len(done), bool(own))
        self._plan.published(area)

    def _note(self, area: int, archive: StoredArchive, files: int, has_report: bool) -> None:  # noqa: FBT001
        part = NewPart(area, archive.size, archive.etag, files, has_report)
        added = self._store.add_part(self._run.fence, part, in_same_transaction=self._with_part)
        self._parts.append(added)
        PARTS_COMPLETED.inc()
        _log.info("part completed number=%d bytes=%d files=%d", added.number, part.size, files)

    @property
    def _published_areas(self) -> set[int]:
        return {part.area for part in self._parts}

    def _take(self, done: Iterable[DoneEntry]) -> None:
        published = self._published_areas
        for one in done:
            if (area := area_of(one.offset)) not in published:
                self._done[area][one.position] = one

    def _key(self, area: int) -> str:
        return part_key(self._run.job.hash, area)

    def _claim(self, area: int) -> Path:
        """Hold the scratch of an area, if it is not held; return its path."""
        known = self._claims.get(area)
        if known is not None:
            return known[1]
        run, begin, end = self._run, area_begin(area), area_begin(area + 1)
        ranges = [(a - begin, b - begin) for a, b in self._ranges if begin <= a < end]
        held = ExitStack()
        claim = self._storage.claim(self._key(area), run.attempt, ranges, run.recorded_by)
        path = held.enter_context(claim)
        self._claims[area] = held, path
        return path

    def _release(self, area: int) -> None:
        """Let go of the scratch of an area, so that a later run need not wait for it."""
        self._claims.pop(area)[0].close()
