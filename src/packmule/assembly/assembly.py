"""One archive in the making: from sources and what is remembered to a finished file.

Owns the job's side of assembling: starting its fetches, counting what is done, checkpoints, the
end. Leaves the transfer loop's side to `receiving`, the file to `archive_file`; whoever calls it
keeps the checkpoints and publishes the file.

Three threads: the caller's (all public methods), the transfer loop's and the writer's; lists are
only appended to, so a count of what was seen is all the synchronisation they need.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from packmule.assembly.archive_file import ArchiveFile
from packmule.assembly.finish_local import finish
from packmule.assembly.missing import report
from packmule.assembly.names.entry_names import EntryNames
from packmule.assembly.pace import Pace
from packmule.assembly.receiving import EntryReceiver
from packmule.assembly.resuming import restored_state
from packmule.assembly.space_check import SpaceCheck
from packmule.assembly.upload.part_sender import PartSender
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import (
    Checkpoint,
    Compression,
    FailedEntry,
    OnHtml,
    Progress,
    Remembered,
)
from packmule.outbound.fetch import Fetch
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.urls import UrlInvalid, parse, refusal
from packmule.telemetry.context import as_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from packmule.assembly.missing import MissingReport
    from packmule.assembly.resources import SharedResources
    from packmule.assembly.sinks.placed import PlacedSink
    from packmule.jobs.model import OpenEntry, Source
    from packmule.outbound.head import Head
    from packmule.storage.interface import Stream


class Assembly:
    """Assembles one archive at `path`; by `stream` it is uploaded meanwhile."""

    def __init__(
        self,
        sources: Sequence[Source],
        remembered: Remembered,
        path: Path,
        resources: SharedResources,
        *,
        compression: Compression = Compression.AUTO,
        on_html: OnHtml = OnHtml.REPORT,
        queue: JobQueue | None = None,
        stream: Stream | None = None,
    ) -> None:
        self.limits = resources.limits
        self.compress_pool = resources.compress_pool
        self.compression = compression
        self.on_html = on_html
        self._resources = resources
        self._sources = sources
        self._queue = queue or JobQueue(as_extra())
        self._changed = threading.Event()
        self.archive = ArchiveFile(
            path, resources.pool, resources.writer, tail=remembered.tail, changed=self._look
        )
        self.archive.done.extend(remembered.done)
        self.uploading = None if stream is None else PartSender(
            stream, remembered, self.archive, resources.scratch,
            ask=self.ask_checkpoint, nudge=self.nudge,
        )  # fmt: skip
        room = SpaceCheck(
            self.archive, path.parent, resources.limits, is_uploaded=stream is not None
        )
        self.check_room = room.check
        self.failed: list[FailedEntry] = list(remembered.failed)
        self.open: set[EntryReceiver] = set()
        self._names = EntryNames([(source.url, source.name) for source in sources])
        self._recorded_done = len(remembered.done)
        self._recorded_failed = len(remembered.failed)
        self._done_bytes = sum(entry.size for entry in remembered.done)
        self._lengths_unknown = len(sources)
        self._known_bytes = 0
        self._counted = len(remembered.done)
        self._finished = len(remembered.done)
        self._barred: list[PlacedSink] = []
        self._seen = (0, 0)
        self._pace = Pace()
        self._refusals: dict[tuple[str, int], tuple[FailureCode, str] | None] = {}
        self._remembered = remembered

    def start(self) -> None:
        """Begin to fetch what is missing."""
        remembered = self._remembered
        for entry in remembered.done:
            self._names.restore(entry.position, entry.name)
        for opened in remembered.open:
            self._names.restore(opened.position, opened.name)
        self._lengths_unknown -= (
            len(remembered.done) + len(remembered.failed) + len(remembered.open)
        )
        self._known_bytes = self._done_bytes + sum(entry.size for entry in remembered.open)
        resolved = {entry.position for entry in remembered.done}
        resolved.update(entry.position for entry in remembered.failed)
        opened_at = {entry.position: entry for entry in remembered.open}
        fetches = [
            fetch
            for source in self._sources
            if source.position not in resolved
            and (fetch := self._fetch(source, opened_at.get(source.position))) is not None
        ]
        self._resources.loop.add(self._queue, fetches)
        self._look()

    def _fetch(self, source: Source, opened: OpenEntry | None) -> Fetch | None:
        """Make the fetch of one source; None where its URL alone makes it fail."""
        incoming = EntryReceiver(self, source.position)
        try:
            url = parse(source.url, max_length=self.limits.max_url_length)
        except UrlInvalid as error:
            self.note_failure(incoming, Failure(FailureCode.URL_INVALID, error.detail))
            return None
        site = (url.host, url.port)
        if site not in self._refusals:
            self._refusals[site] = refusal(url, self._resources.rules)
        if (refused := self._refusals[site]) is not None:
            self.note_failure(incoming, Failure(*refused))
            return None
        if opened is None:
            return Fetch(url, incoming)
        incoming.restore(opened)
        self.open.add(incoming)
        return Fetch(url, incoming, restored_state(opened))

    # What the transfer loop's side asks for.

    def claim_name(self, position: int, head: Head) -> str:
        """Give the entry its name."""
        fields = head.fields
        return self._names.claim(
            position,
            content_disposition=fields.get("content-disposition"),
            content_type=fields.get("content-type"),
        )

    def learn_length(self, incoming: EntryReceiver, total: int | None) -> None:
        """Note how long a body is, for the progress; None: its end will tell."""
        self.open.add(incoming)
        if incoming.size is None and total is not None:
            self._lengths_unknown -= 1
        self._known_bytes += (total or 0) - (incoming.size or 0)
        incoming.size = incoming.size if total is None else total

    def note_failure(self, incoming: EntryReceiver, failure: Failure) -> None:
        """Record a source that failed for good."""
        position = incoming.position
        self.open.discard(incoming)
        if incoming.size is None:
            self._lengths_unknown -= 1
        else:
            self._known_bytes -= incoming.size
        self._names.release(position)
        self.failed.append(FailedEntry(position, self._sources[position].name or "", failure))
        self._flush_if_last()
        self._look()

    def note_finished(self, incoming: EntryReceiver) -> None:
        """Count a source whose body was handed on whole."""
        incoming.forget()
        self.open.discard(incoming)
        self._finished += 1
        if self._finished + len(self.failed) >= len(self._sources):
            self._flush_if_last()

    def _flush_if_last(self) -> None:
        """Send the shared block off when nothing more will be packed into it."""
        if self._finished + len(self.failed) >= len(self._sources):
            self.archive.flush()

    def ask_checkpoint(self) -> None:
        """Have a checkpoint made now rather than later."""
        self._changed.set()

    def nudge(self) -> None:
        """Have the transfer loop go on with who is paused."""
        self._resources.loop.nudge()

    def in_loop(self, work: Callable[[], None]) -> None:
        """Have something done in the transfer loop's thread; its failure is the archive's."""
        self._resources.loop.submit(self.archive.guarded(work))

    # The caller's side.

    @property
    def is_resolved(self) -> bool:
        """Tell whether every source is done or has failed."""
        return len(self.archive.done) + len(self.failed) >= len(self._sources)

    def _look(self) -> None:
        """Wake the caller where there is something to see."""
        archive = self.archive
        resolved = len(archive.done) + len(self.failed)
        if archive.error is not None or resolved >= len(self._sources):
            self._changed.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, an error or a wish for a checkpoint; False where the time ran out."""
        if not self._changed.wait(seconds):
            return False
        self._changed.clear()
        return True

    def flush_small(self) -> None:
        """Have the packed small entries written although their block is not full."""
        self.in_loop(self.archive.flush)

    def checkpoint(self) -> Checkpoint:
        """Tell what became certain since the last time; on disk even after a power cut."""
        bodies = [body for each in tuple(self.open) if (body := each.placed) is not None]
        barred = [body for body in bodies if body.barred]  # before the look: it forgets these
        marks = [body.mark for body in bodies]  # before the look too: none has a later version
        if self.uploading is not None:
            self.uploading.give_up(marks, self.failed)
        opened = tuple(body.snapshot() for body in bodies)
        done, failed = len(self.archive.done), len(self.failed)
        fresh = tuple(self.archive.done[self._recorded_done : done])
        uploads = None
        if self.uploading is not None:
            uploads = self.uploading.plan(self.archive.done, done, zip(marks, opened, strict=True))
        self._barred = barred
        self._seen = (done, failed)
        checkpoint = Checkpoint(
            self.archive.tail,
            self.progress(),
            fresh,
            opened,
            tuple(self.failed[self._recorded_failed : failed]),
            uploads,
        )
        self.archive.sync()
        return checkpoint

    def recorded(self) -> None:
        """Note that the last checkpoint is durable: what it no longer claims may be overwritten."""
        self._recorded_done, self._recorded_failed = self._seen
        if self.uploading is not None:
            self.uploading.recorded()
        if self._barred:
            for body in self._barred:
                body.barred = False
            self.nudge()

    def progress(self) -> Progress:
        """Tell how far it is."""
        done = self.archive.done
        count = len(done)
        for index in range(self._counted, count):
            self._done_bytes += done[index].size
        self._counted = count
        held = self._done_bytes + sum(incoming.kept for incoming in tuple(self.open))
        rate = self._pace.at(held, time.monotonic())
        total = self._known_bytes if self._lengths_unknown <= 0 else None
        return Progress(len(self._sources), count, len(self.failed), held, total, rate)

    def stop(self) -> Checkpoint:
        """End all fetching, keep what is there, and tell it."""
        self._quiet(EntryReceiver.rest)
        self.archive.settle()
        return self.checkpoint()

    def finish(self) -> tuple[Path, int]:
        """Finish the file: its path, which holes may have made another, and length in bytes."""
        self.archive.settle()
        done, missing = self.archive.done, self.missing()
        return finish(self.archive.file, done, missing, read_back=self.limits.read_back)

    def missing(self) -> MissingReport | None:
        """Make the entry that tells what is not in the archive; None where all is."""
        return report(self._sources, self.failed, self.archive.done)

    def close(self) -> None:
        """Let the file go; the fetches have ended or are ended now."""
        self._quiet(EntryReceiver.let_go)
        self.compress_pool.wait(self.archive)
        if self.uploading is not None:
            self.uploading.close()
        self.archive.close()

    def _quiet(self, end: Callable[[EntryReceiver], None]) -> None:
        """End the fetches, then `end` what they have left, where no other thread may touch it."""
        loop = self._resources.loop
        loop.remove(self._queue)
        self.compress_pool.wait(self.archive)
        done = threading.Event()

        def quiet() -> None:
            try:
                for incoming in tuple(self.open):
                    end(incoming)
                self.archive.flush()
            finally:
                done.set()

        # Commands are done in their order, so at the second `remove` this one is done as well.
        loop.submit(quiet)
        loop.remove(self._queue)
        if not done.is_set():  # the loop's thread has ended, so nobody else is there
            quiet()
