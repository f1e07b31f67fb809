"""Bring large files by several transfers where there is room that no waiting file wants.

Owns which file gets the next transfer, and which gives one up for a file that waits. Leaves where
to cut to `segments.py`, what the end of a transfer means to `segmented_fetch.py`, and how much
room there is to `fetch_scheduler.py`. Runs in the transfer loop's thread.

    head of a large file ──> heads ──> split ──> SegmentedFetch ──> another transfer, and another
                                                        ^                      |
                                                        └── half of the largest remainder
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from packmule.errors import FailureCode
from packmule.outbound import segments
from packmule.outbound.outcomes import TryFailed
from packmule.outbound.segmented_fetch import SegmentedFetch
from packmule.outbound.segments import Remainder, rate_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.outbound.fetch import Fetch
    from packmule.outbound.fetch_scheduler import FetchScheduler
    from packmule.outbound.job_queue import JobQueue
    from packmule.outbound.transfer_handle import TransferHandle

_LOOK_EVERY = 0.05
_GIVEN_WAY = 1.0
"""Seconds for which a file that has given a transfer up for one that waits gets no other."""
_PATIENCE = 5.0
"""Seconds without a byte after which another transfer brings the rest of a segment."""


class LargeHead(NamedTuple):
    """The head of a file that may be divided: who brings it, from where, since when.

    `waited` is how many seconds the host takes to begin a response, at best.
    """

    handle: TransferHandle
    queue: JobQueue
    fetch: Fetch
    first: int
    since: float
    waited: float

    @property
    def is_current(self) -> bool:
        """Return whether that transfer is still under way."""
        return self.handle.fetch is self.fetch

    def remainder(self, now: float) -> Remainder:
        """Return what is missing, and how fast it comes."""
        kept, total = self.fetch.receiver.kept, self.fetch.state.total
        return Remainder(kept, total or 0, rate_of(kept - self.first, now - self.since))


class SegmentStarter:
    """Starts and stops the transfers of segments: `begin` opens one, `stop` ends one.

    `files` are the files that are divided, by each of the fetches that bring them.
    """

    def __init__(
        self,
        scheduler: FetchScheduler,
        files: dict[Fetch, SegmentedFetch],
        *,
        begin: Callable[[JobQueue, Fetch, float], None],
        stop: Callable[[JobQueue, Fetch], None],
    ) -> None:
        self._scheduler = scheduler
        self._begin = begin
        self._end = stop
        self._heads: list[LargeHead] = []
        self._next_look = 0.0
        self._files = files

    def __repr__(self) -> str:
        return f"<SegmentStarter heads={len(self._heads)} transfers={len(self._files)}>"

    @property
    def due(self) -> float:
        """Return when to look again, on the loop's clock; never while there is no large file."""
        return self._next_look if self._heads or self._files else math.inf

    def saw(self, head: LargeHead) -> None:
        """Record the head of a large file; the next look is at once."""
        self._heads.append(head)
        self._next_look = 0.0

    def resume(self, queue: JobQueue, fetch: Fetch, now: float) -> bool:
        """Choose what a file's own fetch brings; return False where others bring all of it.

        A file that an earlier run has divided still is.
        """
        file = self._files.get(fetch)
        if file is None:
            body = fetch.receiver.segmented
            if body is None or len(body.segments) == 1:
                return True
            file = self._files[fetch] = SegmentedFetch(queue, fetch, body, 0.0)
        return file.own_turn(now)

    def hasten(self) -> None:
        """Look again at once: there may be room."""
        self._next_look = 0.0

    def end_needless(self) -> None:
        """Stop what brings segments of files that are over; to be called before bytes may come."""
        if self._files:
            for fetch, file in [each for each in self._files.items() if each[1].is_over]:
                self._stop(file, fetch)

    def _stop(self, file: SegmentedFetch, fetch: Fetch) -> None:
        self._files.pop(fetch, None)
        if fetch is not file.file:
            self._end(file.queue, fetch)
            file.stopped(fetch)

    def give_way(self, now: float) -> bool:
        """Stop transfers of segments while files wait that could begin instead.

        Return whether one was stopped, so that there is room for a file.
        """
        given = [file for file in self._distinct() if self._gives_way(file, now)]
        return bool(given)

    def looks(self, now: float, *, may_start: bool) -> bool:
        """Begin a look; return whether there is to be one, which takes memory for more bytes."""
        self._next_look = now + _LOOK_EVERY
        self._heads = [head for head in self._heads if head.is_current]
        return may_start

    def start(self, now: float) -> None:
        """Use the room that no file wants; to be called when no file could begin just now."""
        self._divide(now)
        while self._start_one(now):
            pass

    def _distinct(self) -> list[SegmentedFetch]:
        return list(dict.fromkeys(self._files.values()))

    def _gives_way(self, file: SegmentedFetch, now: float) -> bool:
        file.is_over = file.is_over or file.queue.removed
        fetch = file.youngest()
        if fetch is None or not self._scheduler.is_wanted(fetch.host_key, now):
            return False
        self._stop(file, fetch)
        file.held_until = now + _GIVEN_WAY
        return True

    def _divide(self, now: float) -> None:
        """Divide files that one transfer brings, where that pays."""
        for at, head in enumerate(self._heads):
            fetch, remainder = head.fetch, head.remainder(now)
            if fetch in self._files or head.handle.paused:
                continue
            if not segments.pays_to_split(remainder, head.waited):
                continue
            host, body = fetch.host, fetch.receiver.segmented
            if host is None or not host.serves_ranges or body is None:
                continue
            rivals = sum(other.fetch.host is host for other in self._heads[at:])
            room = self._scheduler.room_for_segments(fetch.host_key, now) // rivals
            if room < 1:
                continue
            file = self._files[fetch] = SegmentedFetch(head.queue, fetch, body, head.waited)
            file.join(fetch, body.segments[0], now)
            for cut in segments.cuts(remainder, room):
                body.split(cut)

    def _start_one(self, now: float) -> bool:
        """Start one transfer more, for the job with the fewest; return False if there is none."""
        for file in sorted(self._distinct(), key=_share):
            host = self._scheduler.host(file.host_key)
            is_held = file.is_over or file.held_until > now
            if is_held or not (file.may_divide and host.serves_ranges):
                continue
            if self._scheduler.room_for_segments(file.host_key, now) < 1:
                continue
            segment = file.next_segment(now)
            if segment is not None:
                fetch = file.helper(segment, now)
                self._files[fetch] = file
                self._begin(file.queue, fetch, now)
                return True
        return False


def check(handle: TransferHandle, now: float) -> TryFailed | None:
    """Return how the transfer of a segment must end that brings nothing, or None.

    The file's own has the patience that every file has.
    """
    lane = None if handle.fetch is None else handle.fetch.lane
    if lane is None or lane.is_own:
        return None
    if lane.look(now) < _PATIENCE or handle.paused:
        return None
    return TryFailed(FailureCode.STALLED, f"no byte of a segment arrived for {_PATIENCE:g} s")


def _share(file: SegmentedFetch) -> float:
    return file.queue.open / file.queue.weight
