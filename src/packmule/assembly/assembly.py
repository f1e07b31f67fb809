"""One archive in the making: from sources and what is remembered to a finished file.

Owns the joining of one job's parts, and the job's side of assembling: starting its fetches, making
checkpoints, the end. Leaves what is known of each file to `ledger`, receiving to `receiving`, the
file to `archive_file`; whoever calls it keeps the checkpoints and publishes the file. All methods
are called by the job's thread.

    loop ──> receiving ──> sinks ──> committing ──> archive_file ──> ledger ──> checkpoint
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from packmule.assembly.archive_file import ArchiveFile
from packmule.assembly.committing import Committer
from packmule.assembly.finish_local import finish
from packmule.assembly.ledger import Ledger
from packmule.assembly.manifest.archive_manifest import ArchiveManifest
from packmule.assembly.names.entry_names import EntryNames
from packmule.assembly.placement import JobContext
from packmule.assembly.receiving import EntryReceiver, ReceivingJob
from packmule.assembly.resuming import restored_state
from packmule.assembly.scratch_file import ScratchFile
from packmule.assembly.sink_factory import SinkFactory
from packmule.assembly.space_check import SpaceCheck
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import Checkpoint, Compression, Manifest, OnHtml
from packmule.outbound.expired_links import expiring_first
from packmule.outbound.fetch import Fetch
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.share_links import rewritten
from packmule.outbound.transfer import START
from packmule.outbound.urls import Refusals, UrlInvalid, parse
from packmule.telemetry.context import as_extra
from packmule.telemetry.metrics import RETRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from packmule.assembly.ledger import FileUnderWay
    from packmule.assembly.own_entry import OwnEntry
    from packmule.assembly.resources import SharedResources
    from packmule.assembly.space_check import MakeRoom
    from packmule.assembly.split.areas import Areas
    from packmule.assembly.upload.part_sender import PartSender
    from packmule.errors import PackmuleError
    from packmule.jobs.model import Progress, Remembered, Source
    from packmule.outbound.urls import Url
    from packmule.storage.interface import Stream


class Assembly:
    """Assembles one archive at `path`; by `stream` it is uploaded meanwhile.

    `make_room` is asked by `secure_space` where the disk is short. `title` is the archive's name
    without its extension. With `keeps_failed` what came of a file that failed stays in its place,
    for a retry. With `areas` the archive is split: each area becomes a part, and is finished by the
    caller.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        remembered: Remembered,
        path: Path,
        resources: SharedResources,
        *,
        compression: Compression = Compression.AUTO,
        on_html: OnHtml = OnHtml.REPORT,
        manifest: Manifest = Manifest.NONE,
        title: str = "",
        queue: JobQueue | None = None,
        stream: Stream | None = None,
        make_room: MakeRoom = lambda _wanted, _in_all: False,
        keeps_failed: bool = False,
        areas: Areas | None = None,
    ) -> None:
        self._resources = resources
        self._sources = sources
        self._remembered = remembered
        self._queue = queue or JobQueue(as_extra())
        self._queue.make = self._make_fetch
        self._changed = threading.Event()
        wake = self._changed.set
        self.limits = resources.limits
        self.ledger = Ledger(len(sources), remembered, on_resolved=wake)
        self.scratch = ScratchFile(
            path, resources.pool, resources.writer,
            reserve=self.limits.min_free_bytes, on_error=wake, areas=areas and areas.files,
        )  # fmt: skip
        space = SpaceCheck(
            path.parent, self.limits, is_uploaded=stream is not None, make_room=make_room
        )
        tail, plan = remembered.tail, areas and areas.plan
        self._archive = ArchiveFile(self.scratch, self.ledger, space, tail=tail, plan=plan)
        self.sender = None if stream is None else _part_sender()(
            stream, remembered, self.scratch, resources.scratch,
            files=len(sources), ask=wake, nudge=resources.loop.nudge,
        )  # fmt: skip
        self._manifest = ArchiveManifest(manifest, title)
        context = JobContext(
            compression, on_html, self.limits, self._manifest.folder,
            keeps_receipts=manifest is not Manifest.NONE, is_uploaded=stream is not None,
            keeps_failed=keeps_failed,
        )  # fmt: skip
        self._committer = Committer(
            self._archive, self.ledger, resources.compress_pool, self._in_loop,
            can_read_back=stream is None,
        )  # fmt: skip
        sinks = SinkFactory(
            context, self._archive, self.ledger, resources.compress_pool, resources.loop.nudge
        )
        rules = self.limits.rewrite_links
        self._links = [rewritten(source.url, rules) for source in sources]
        wanted = [(link, source.name) for link, source in zip(self._links, sources, strict=True)]
        names = EntryNames(wanted, reserved=self._manifest.reserved)
        self._receiving = ReceivingJob(
            context, sources, names, self.ledger, self._committer, sinks, wake, self._fetch_again
        )
        self._refusals = Refusals(resources.rules)

    def __repr__(self) -> str:
        return f"<Assembly {self.ledger!r} {self.scratch!r}>"

    def start(self) -> None:
        """Begin to fetch what is missing."""
        remembered, names = self._remembered, self._receiving.names
        folder = self._manifest.folder
        for entry in remembered.done:
            names.restore(entry.position, entry.name.removeprefix(folder))
        for opened in remembered.open:
            names.restore(opened.position, opened.name.removeprefix(folder))
        resolved = {entry.position for entry in remembered.done}
        resolved.update(entry.position for entry in remembered.failed)
        opened_at = {entry.position: entry for entry in remembered.open}
        for position in expiring_first(self._links, time.time()):
            source = self._sources[position]
            if source.position not in resolved and (url := self._checked(source)) is not None:
                place = opened_at.get(source.position)
                if place is None:
                    self._queue.plan(url.origin, source.position)
                else:
                    receiver = EntryReceiver(self._receiving, source.position)
                    receiver.restore(place)
                    if place.written == place.size:
                        self._in_loop(receiver.finish)
                    else:
                        self._queue.push(Fetch(url, receiver, restored_state(place)))
        self._resources.loop.add(self._queue, ())
        if self.ledger.is_resolved:
            self._changed.set()

    def _checked(self, source: Source) -> Url | None:
        """Return what one source asks for; None where its URL alone makes it fail."""
        try:
            url = self._url(source.position)
        except UrlInvalid as error:
            self._refuse(source.position, FailureCode.URL_INVALID, error.detail)
            return None
        if (refused := self._refusals.of(url)) is not None:
            self._refuse(source.position, *refused)
            return None
        return url

    def _url(self, position: int) -> Url:
        return parse(self._links[position], max_length=self.limits.max_url_length)

    def _refuse(self, position: int, code: FailureCode, detail: str) -> None:
        EntryReceiver(self._receiving, position).fail(Failure(code, detail))

    def _make_fetch(self, position: int) -> Fetch:
        """Make the fetch of a checked source: a million at once would take a gigabyte."""
        return Fetch(self._url(position), EntryReceiver(self._receiving, position))

    def _fetch_again(self, receiver: EntryReceiver) -> None:
        """Fetch a file once more from the start. The loop's thread."""
        fetch = Fetch(self._url(receiver.position), receiver, START._replace(attempts=1))
        self._in_loop(lambda: self._queue.push(fetch))
        RETRIES.inc(FailureCode.CHECKSUM.value)

    def _in_loop(self, work: Callable[[], None]) -> None:
        """Submit work to the transfer loop's thread; its failure is the archive's."""
        self._resources.loop.submit(self.scratch.guarded(work))

    @property
    def error(self) -> PackmuleError | None:
        """What has made this archive impossible."""
        return self.scratch.error

    @property
    def is_resolved(self) -> bool:
        """Whether every source is done or has failed."""
        return self.ledger.is_resolved

    @property
    def tail(self) -> int:
        """The archive's length so far, places included."""
        return self._archive.tail

    def secure_space(self) -> None:
        """Secure room for what arrives next. Raises DiskFull."""
        self._archive.space.secure(self._archive.on_disk, self.scratch.places)

    def ask_checkpoint(self) -> None:
        """Ask for a checkpoint now rather than later (any thread)."""
        self._changed.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, an error or a wish for a checkpoint; False where the time ran out.

        Raises PackmuleError where the end cannot come, as a thread has ended that all jobs need.
        """
        if not self.is_resolved:
            self._resources.check()
        if not self._changed.wait(seconds):
            return False
        self._changed.clear()
        return True

    def flush_small(self) -> None:
        """Write the packed small entries although their block is not full."""
        self._in_loop(self._archive.flush)

    def checkpoint(self) -> Checkpoint:
        """Return what became certain since the last time; on disk even after a power cut."""
        cut = self.ledger.cut()
        uploads = None if self.sender is None else self.sender.plan(cut)
        opened = tuple(entry for mark, entry in cut.open if mark.position not in cut.kept)
        tail = self._archive.tail  # after the cut: no entry lies behind it
        self.scratch.sync()
        return Checkpoint(
            tail, cut.progress, cut.done, opened, cut.failed, uploads, dropped=cut.dropped
        )

    def recorded(self) -> None:
        """Record that the last checkpoint is durable: what it claims no more may be overwritten."""
        if self.sender is not None:
            self.sender.recorded()
        if self.ledger.recorded():
            self._resources.loop.nudge()

    def progress(self) -> Progress:
        """Return how far it is."""
        return self.ledger.progress()

    def stop(self) -> Checkpoint:
        """End all fetching, keep what is there, and return it."""
        self._quiet(lambda file: file.rest())
        self.scratch.settle()
        return self.checkpoint()

    def leave_out_rest(self) -> None:
        """End all fetching: what is packed stays, and every other file has failed."""
        left_out = Failure(
            FailureCode.LEFT_OUT, "left out: the archive was finished before the file was fetched"
        )
        self._quiet(lambda file: file.fail(left_out))
        self.scratch.settle()
        for position in self.ledger.unresolved():
            EntryReceiver(self._receiving, position).fail(left_out)

    def finish(self) -> tuple[Path, int]:
        """Finish the file: its path, which holes may have made another, and length in bytes."""
        self.scratch.settle()
        done, own = self.ledger.done_entries, self.own_entries()
        return finish(self.scratch.file, done, own, read_back=self.limits.read_back)

    def own_entries(self) -> tuple[OwnEntry, ...]:
        """Return what the archive holds beside the files: what is missing, and its manifest."""
        done, failed = self.ledger.done_entries, self.ledger.failed_entries
        return self._manifest.entries(self._sources, done, failed)

    def close(self) -> None:
        """Close the file; the fetches have ended or are ended now."""
        self._quiet(lambda file: file.let_go())
        self._resources.compress_pool.wait(self.scratch)
        if self.sender is not None:
            self.sender.close()
        self.scratch.close()

    def _quiet(self, end: Callable[[FileUnderWay], None]) -> None:
        """End the fetches, then `end` what they have left, where no other thread may touch it."""
        loop = self._resources.loop
        self._committer.is_stopping = True
        loop.remove(self._queue)
        self._resources.compress_pool.wait(self.scratch)
        done = threading.Event()

        def quiet() -> None:
            try:
                for file in self.ledger.open_files():
                    end(file)
                self._archive.flush()
            finally:
                done.set()

        # Commands are done in their order, so at the second `remove` this one is done as well.
        loop.submit(quiet)
        loop.remove(self._queue)
        if not done.is_set():  # the loop's thread has ended, so nobody else is there
            quiet()


def _part_sender() -> type[PartSender]:
    """Import what only a bucket needs: for a small archive it would be a part of the time."""
    from packmule.assembly.upload.part_sender import PartSender  # noqa: PLC0415

    return PartSender
