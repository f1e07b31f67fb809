"""One file that several transfers bring, each a segment of it.

Owns which transfer brings which segment, and what the end of one means for the file. Leaves where
to cut to `segments.py`, the file's own tries to `transfer.py`, when there is room for another
transfer to `fetch_scheduler.py`, and starting and stopping to `segment_starter.py`.

    the file's own fetch   begins the file; goes on with what nobody brings; fails or finishes it
    others                 bring one segment each, and end; none of them can fail the file

The own fetch rests while others bring all that is missing. It is back as soon as there is a gap and
nobody else is under way, and then what ends its try ends it as for every file. So a host that
refuses ranges, or more connections, costs time, but never a file nor a byte that is held.
"""

from __future__ import annotations

from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING

from packmule.outbound import segments
from packmule.outbound.fetch import Fetch
from packmule.outbound.lane import Lane
from packmule.outbound.outcomes import TryFailed
from packmule.outbound.receiver import SegmentFilled
from packmule.outbound.segments import Refusal, SegmentRefused

if TYPE_CHECKING:
    from packmule.outbound.job_queue import HostKey, JobQueue
    from packmule.outbound.receiver import SegmentedBody, SegmentReceiver
    from packmule.outbound.segments import Remainder

_MOST_FAILURES = 8
"""Transfers in a row that may bring nothing before a file is not divided any further."""


class Step(Enum):
    """What the end of a segment's transfer means for its file."""

    NOTHING = auto()
    """Others bring what is missing."""
    WHOLE = auto()
    """All bytes are held."""
    OWN_TURN = auto()
    """The file's own fetch goes on, with what nobody brings."""
    AS_USUAL = auto()
    """The try was the file's own, and ends as the only try of a file does."""


class SegmentedFetch:
    """A file of known length and version; `waited` is how many seconds its first head took."""

    def __init__(self, queue: JobQueue, file: Fetch, body: SegmentedBody, waited: float) -> None:
        self.queue = queue
        self.file = file
        self.body = body
        self.waited = waited
        self.may_divide = True
        self.is_over = False
        self.held_until = 0.0
        self.lanes: dict[Fetch, Lane] = {}
        self.rests = False
        self._url = file.asked
        self._failures = 0

    def __repr__(self) -> str:
        held = " ".join(f"{one.start}-{one.kept}/{one.stop}" for one in self.body.segments)
        return f"<SegmentedFetch {self.file.asked.label} open={len(self.lanes)} {held}>"

    # What is missing.

    @property
    def _busy(self) -> set[int]:
        return {lane.segment.start for lane in self.lanes.values()}

    def gaps(self) -> list[SegmentReceiver]:
        """Return the segments that are not full and that nobody brings."""
        busy = self._busy
        return [one for one in self.body.segments if not one.is_full and one.start not in busy]

    def remainders(self, now: float) -> list[Remainder]:
        """Return what is still to come of the segments that are being brought."""
        return [lane.remainder(now) for lane in self.lanes.values()]

    # The beginning of a transfer.

    def join(self, fetch: Fetch, segment: SegmentReceiver, now: float) -> None:
        """Record that a transfer brings that segment from now on."""
        at, is_own = segment.kept, fetch is self.file
        fetch.lane = self.lanes[fetch] = Lane(segment, is_own, self.lanes, at, now, at, now)

    def own_turn(self, now: float) -> bool:
        """Choose what the file's own fetch goes on with; return False if there is nothing."""
        gaps = [] if self.is_over else self.gaps()
        self.rests = not gaps
        if not gaps:
            return False
        segment = max(gaps, key=_missing)
        self.join(self.file, segment, now)
        self.file.state = self.file.state._replace(
            kept=segment.kept, reached=segment.kept, part_end=None
        )
        return True

    @property
    def host_key(self) -> HostKey:
        """Return the host that brings segments."""
        return self._url.origin

    def next_segment(self, now: float) -> SegmentReceiver | None:
        """Return what another transfer should bring: a gap, or half of the largest remainder."""
        if len(self.lanes) >= segments.MOST:
            return None
        gaps = self.gaps()
        if gaps:
            return max(gaps, key=_missing)
        cut = segments.take_over(self.remainders(now), self.waited)
        return None if cut is None else self.body.split(cut)

    def helper(self, segment: SegmentReceiver, now: float) -> Fetch:
        """Return a fetch that brings that segment."""
        fetch = Fetch(self._url, self.file.receiver, self.file.state._replace(kept=segment.kept))
        fetch.cookies, fetch.deadline = self.file.cookies, self.file.deadline
        fetch.began = now
        self.join(fetch, segment, now)
        return fetch

    # Its end.

    def ended(self, fetch: Fetch, error: TryFailed | Exception | None, *, decided: bool) -> Step:
        """Record that a transfer has ended; return what is to be done.

        `decided`: its head alone decided what comes next, as a redirect does.
        """
        segment = self.lanes.pop(fetch).segment
        fetch.lane = None
        is_own = fetch is self.file
        segment.rest()
        self._note(fetch, segment, error)
        self._tidy()
        if self.is_over:
            return Step.NOTHING  # such as two that ended at once, of which one was the last
        if all(one.is_full for one in self.body.segments):
            return Step.WHOLE
        if is_own:
            return self._own_ended(segment, error, decided=decided)
        if self.rests and (not self.lanes or (segment.is_full and self.gaps())):
            return Step.OWN_TURN
        return Step.NOTHING

    def _own_ended(
        self, segment: SegmentReceiver, error: TryFailed | Exception | None, *, decided: bool
    ) -> Step:
        is_fatal = isinstance(error, Exception) and not isinstance(
            error, SegmentFilled | SegmentRefused
        )
        if decided or is_fatal or (isinstance(error, TryFailed) and error.lasting):
            return Step.AS_USUAL
        if segment.is_full and self.gaps():
            return Step.OWN_TURN
        if self.lanes:
            self.rests = True
            return Step.NOTHING
        return Step.AS_USUAL

    def _note(
        self, fetch: Fetch, segment: SegmentReceiver, error: TryFailed | Exception | None
    ) -> None:
        """Learn from the end of a transfer whether the file can be divided further."""
        if segment.kept > fetch.state.kept:
            self._failures = 0
            self.file.state = self.file.state._replace(tries=0)
        elif not segment.is_full:
            self._failures += 1
        if isinstance(error, SegmentRefused):
            if error.refusal is not Refusal.CROWDED:
                self.may_divide = False
        elif isinstance(error, Exception) and not isinstance(error, SegmentFilled):
            self.may_divide = False
        if self._failures >= _MOST_FAILURES:
            self.may_divide = False

    def stopped(self, fetch: Fetch) -> None:
        """Record that a transfer was stopped in the middle; what it has brought is kept."""
        lane = self.lanes.pop(fetch, None)
        if lane is not None:
            fetch.lane = None
            lane.segment.rest()
            self._tidy()

    def _tidy(self) -> None:
        """Give empty segments that nobody brings back to those before them, where these go on."""
        busy = self._busy
        for before, segment in reversed(list(pairwise(self.body.segments))):
            if segment.kept > segment.start or segment.start in busy:
                continue
            if before.start in busy:
                if before.expected >= segment.stop:
                    self.body.join(segment.start)
            elif not before.is_full:
                self.body.join(segment.start)

    def keep_first(self) -> None:
        """Go on as if the file had never been divided, with its beginning."""
        self.body.keep_first()
        file = self.file
        file.receiver.go_on(0)
        kept = file.receiver.kept
        file.state = file.state._replace(kept=kept, reached=kept, part_end=None)

    def youngest(self) -> Fetch | None:
        """Return the transfer that was begun last and that the file can go on without, or None.

        That is never the file's own, nor the last one while the own rests.
        """
        others = [fetch for fetch in self.lanes if fetch is not self.file]
        return others[-1] if len(others) > self.rests else None


def _missing(segment: SegmentReceiver) -> int:
    return segment.stop - segment.kept
