"""The parts of one archive on their way to the storage, while it is assembled.

Owns the threads that send, what is given back to the disk, and who waits for that. Leaves which
bytes are a part to `part_plan`, how one is sent to the storage.

    planned ──> upload recorded ──> sent ──> noted ──> recorded ──> its blocks are given back
                 checkpoint                         checkpoint

The first part goes once a checkpoint has recorded the upload, so that no other run begins a second
one; and a part's scratch goes once a checkpoint has recorded that the storage has it. Memory does
not grow: a part is read from the scratch while it is sent. One number is never sent by two threads
at once: of two different contents nobody could say which came last.

Three threads meet here: the job's (all but what is said), the transfer loop's (`must_wait`), and
those that send, which only add to a list.
"""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Lock
from typing import TYPE_CHECKING, TypeVar

from packmule.assembly.upload.part_plan import PartPlan
from packmule.errors import StorageAway, UploadLost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from packmule.assembly.ledger import Cut, Mark
    from packmule.assembly.resuming import Stored
    from packmule.assembly.scratch_file import ScratchFile
    from packmule.assembly.upload.scratch_budget import ScratchBudget
    from packmule.jobs.model import Part, Remembered, Uploads
    from packmule.storage.interface import SealedUpload, Stream

T = TypeVar("T")

# Two fill a gigabit; more would only take processor from the transfers that fill the archive.
_AT_ONCE = 3
# What may come over the bound before it is looked whether there is something to send.
_LOOK_AFTER = 16 * 1024 * 1024


class PartSender:
    """Sends an archive's parts; `ask` has a checkpoint made, `nudge` wakes who waits.

    `files` is how many the archive is to hold.
    """

    def __init__(
        self,
        stream: Stream,
        remembered: Remembered,
        scratch: ScratchFile,
        bound: ScratchBudget,
        *,
        files: int,
        ask: Callable[[], None],
        nudge: Callable[[], None],
    ) -> None:
        self.stream = stream
        self.upload = remembered.upload
        cell = None if remembered.upload is None else stream.cell_of(remembered.upload)
        self._files = files
        # An upload that was given up may have been too fine.
        self._is_finest = remembered.begun == 0
        self.part_plan = PartPlan(cell, stream.most_parts, self._choose_cell, remembered)
        self._scratch = scratch
        self._bound = bound
        self._ask = ask
        self._nudge = nudge
        self._senders = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upload")
        self._ended = Event()
        # `_sending`, `_ready` and `_waited` are the three threads'; a deque needs no lock.
        self._lock = Lock()
        self._sending: set[int] = set()
        self._arrived: deque[tuple[Part, str]] = deque()
        self._ready: list[Part] = []
        self._noted: list[Part] = []
        self._places: dict[int, tuple[int, int]] = {}
        self._dead: list[tuple[int, int]] = []
        self._planned, self._failures = len(remembered.done), len(remembered.failed)
        self._seen = 0
        self._waited = False
        bound.add(scratch.file)
        scratch.must_wait = self.must_wait

    def __repr__(self) -> str:
        return (
            f"<PartSender upload={self.upload!r} planned={len(self.part_plan.parts)} "
            f"ready={len(self._ready)} sending={sorted(self._sending)}>"
        )

    @property
    def has_begun(self) -> bool:
        """Return whether some of the archive is, or was to be, a part: so must be the rest."""
        return self.upload is not None or bool(self.part_plan.parts)

    @property
    def is_drained(self) -> bool:
        """Return whether the storage has all that was planned, and nothing is on its way."""
        with self._lock:
            return not (self._sending or self._ready or self.part_plan.waits)

    def _choose_cell(self, end: int, files: int) -> int:
        """Choose how large parts are, by how large the archive will be if it goes on like this."""
        expected = end * self._files / files if self._is_finest and files else math.inf
        return self.stream.cell_bytes(expected)

    def _give_up(self, open_now: Sequence[Mark], gone: list[int]) -> None:
        """Drop the parts of what is gone or has started over; then note which have arrived."""
        self.part_plan.give_up(open_now, gone)
        for mark in open_now:
            start, _ = self._places.get(mark.position, (mark.offset, 0))
            if start != mark.offset:
                gone.append(mark.position)
        self._dead += [self._places.pop(position) for position in gone if position in self._places]
        while self._arrived:
            part = self.part_plan.note(*self._arrived.popleft())
            if part is not None:
                self._noted.append(part)

    def plan(self, cut: Cut) -> Uploads | None:
        """Plan the parts of what is certain now; return what its checkpoint must say of them.

        Raises StorageFailed.
        """
        # Of what is new since the last cut that was recorded, what is new since the last plan.
        fresh = cut.done[len(cut.done) - (cut.done_count - self._planned) :]
        failed = cut.failed[len(cut.failed) - (cut.failed_count - self._failures) :]
        self._planned, self._failures = cut.done_count, cut.failed_count
        opened = cut.open
        marks = [mark for mark, _ in opened]
        kept = {mark.position for mark in marks}  # a failed file may keep its place
        gone = [one.position for one in failed if one.position not in kept]
        self._give_up(marks, gone + list(cut.dropped))
        self.part_plan.plan(fresh, opened)
        for entry in fresh:
            place = self._places.pop(entry.position, None)
            if place is not None and place[0] != entry.offset:
                self._dead.append(place)
        for mark, body in opened:
            stop = body.offset + body.header_size + body.size
            self._places[mark.position] = (body.offset, stop)
        if self.upload is None and self.part_plan.parts:
            self.upload = self.stream.begin(self.part_plan.cell or 0)
        changes = self.part_plan.take_changes(self.upload)
        planned = self.part_plan.parts
        with self._lock:
            # What waits for another of its number may have become stale meanwhile.
            waiting = [part for part in self._ready if planned.get(part.number) is part]
            self._ready = waiting + self.part_plan.take_ready()
        self._seen = self._scratch.file.allocated()
        return changes

    def recorded(self) -> None:
        """Send what was planned, and give back what was noted: a checkpoint has recorded both.

        Raises StorageAway.
        """
        self._send_ready()
        free = [extent for part in self._noted for extent in part.extents] + self._dead
        self._noted, self._dead = [], []
        for start, stop in free:
            self._scratch.file.punch(start, stop)
        self._seen = self._scratch.file.allocated()
        with self._lock:
            waited, self._waited = self._waited, False
        if waited:
            self._nudge()

    def _send_ready(self) -> None:
        with self._lock:
            ready = [part for part in self._ready if part.number not in self._sending]
            self._ready = [part for part in self._ready if part.number in self._sending]
            self._sending.update(part.number for part in ready)
        for at, part in enumerate(ready):
            try:
                self._submit(self._scratch.guarded(partial(self._send, part)))
            except StorageAway:
                # What nobody sends must not count as on the way, or all would wait for it.
                with self._lock:
                    self._sending.difference_update(each.number for each in ready[at:])
                raise

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        """Have a thread call it. Raises StorageAway if the system refuses the thread."""
        try:
            return self._senders.submit(call)
        except (RuntimeError, MemoryError) as error:
            raise StorageAway(
                "The archive could not be uploaded: the system refuses another thread. Raise the "
                "limit on processes."
            ) from error

    def submit_end(self, send: Callable[[str, Event], str]) -> Future[str]:
        """Submit a part that is laid out only now; the future gives its entity tag.

        `send` is given the upload's name and what is set when nobody waits any more. Raises
        StorageAway.
        """
        return self._submit(partial(send, self._name(), self._ended))

    def stored(self) -> Stored:
        """Return what the storage has of the upload. Raises UploadLost where it has none."""
        stored = self.stream.stored(self._name())
        if stored is None:
            raise UploadLost("The object store has lost what was uploaded.")
        return stored

    def of_other_size(self, stored: Stored) -> list[int]:
        """List the parts that are no cell: of an end that an earlier run has not finished."""
        return [number for number, (size, _) in stored.items() if size != self.part_plan.cell]

    def sealed(self) -> SealedUpload | None:
        """Return the object of all that was uploaded, where an earlier run has made it."""
        return self.stream.sealed(self._name())

    def begin_sealing(self) -> Stored:
        """Prepare to make an object of all that was uploaded; the next checkpoint records it."""
        stored = self.stored()
        self.upload = self.stream.sealing(self._name(), stored)
        return stored

    def seal(self, stored: Stored) -> SealedUpload:
        """Make it. Raises UploadLost where the storage has other parts than were noted."""
        noted = self.part_plan.parts.values()
        if any(stored.get(part.number) != (part.size, part.etag) for part in noted):
            raise UploadLost("The object store has other parts than were sent.")
        etags = {number: etag or "" for number, (_, etag) in stored.items()}
        size = sum(size for size, _ in stored.values())
        self.stream.publish(self._name(), etags, size)
        if (sealed := self.sealed()) is None:
            raise UploadLost("The object store has lost what was uploaded.")
        return sealed

    def move_to(self, upload: str) -> None:
        """Send all further parts to another upload."""
        self.upload = upload

    def must_wait(self) -> bool:
        """Return whether bytes are to come later: the scratch is full, and there is some to send.

        Where nothing is to be sent bytes must come, or nothing ever would be.
        """
        if not self._bound.is_over:
            return False
        with self._lock:
            on_the_way = bool(self._sending or self._ready)
            looks = not on_the_way and (self._scratch.file.allocated() > self._seen + _LOOK_AFTER)
            waits = on_the_way or looks
            self._waited = self._waited or waits
        if looks:
            self._ask()
        return waits

    def close(self) -> None:
        """End the sending; nothing reads the scratch any more when this returns."""
        self._ended.set()
        self._senders.shutdown(wait=True, cancel_futures=True)
        self._bound.remove(self._scratch.file)

    def _send(self, part: Part) -> None:
        try:
            etag = self.stream.send(
                self._name(), part.number, self._scratch.file.read, part.extents, self._ended
            )
            self._arrived.append((part, etag))
        finally:
            with self._lock:
                self._sending.discard(part.number)
                asks = self._waited or not self._sending
            if asks:
                self._ask()

    def _name(self) -> str:
        assert self.upload is not None  # noqa: S101 - begun before a part is planned
        return self.upload
