"""Who brings which segment: no byte twice, none missed, and always somebody who goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from packmule.errors import FailureCode
from packmule.outbound.fetch import Fetch
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.outcomes import TryFailed
from packmule.outbound.segmented_fetch import SegmentedFetch, Step
from packmule.outbound.segments import MOST, Refusal, Remainder, SegmentRefused, cuts
from packmule.outbound.transfer import TransferState
from packmule.outbound.urls import parse

MIB = 1024 * 1024
URL = parse("http://127.0.0.1/big")
CUT = TryFailed(FailureCode.TRUNCATED, "cut")


@dataclass(eq=False)
class Segment:
    """Notes which bytes have come."""

    start: int
    stop: int
    came: list[tuple[int, int]]
    kept: int = 0
    expected: int = 0
    rests: int = 0

    def __post_init__(self) -> None:
        self.kept = self.start
        self.expected = self.stop

    @property
    def is_full(self) -> bool:
        return self.kept >= self.stop

    def expect(self, end: int) -> None:
        self.expected = end

    def bring(self, length: int) -> None:
        stop = min(self.kept + length, self.stop)
        if stop > self.kept:
            self.came.append((self.kept, stop))
        self.kept = stop

    def tail(self, _length: int) -> bytes:
        return b""

    def write(self, _view: memoryview) -> bool:
        raise AssertionError

    def rest(self) -> None:
        self.rests += 1


@dataclass
class Body:
    """A body, and the receiver of it."""

    size: int
    came: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.segments: tuple[Segment, ...] = (Segment(0, self.size, self.came),)
        self.current = self.segments[0]

    @property
    def segmented(self) -> Body:
        return self

    @property
    def kept(self) -> int:
        return self.current.kept

    has_ended = False

    def go_on(self, start: int) -> None:
        self.current = next(one for one in self.segments if one.start == start)

    def split(self, at: int) -> Segment:
        before = next(one for one in self.segments if one.start < at < one.stop)
        assert before.kept < at
        new = Segment(at, before.stop, self.came)
        before.stop = at
        self.segments = tuple(sorted((*self.segments, new), key=lambda one: one.start))
        return new

    def join(self, start: int) -> None:
        before, segment = next(
            (one, other) for one, other in pairwise(self.segments) if other.start == start
        )
        assert segment.kept == segment.start
        before.stop = segment.stop
        self.segments = tuple(one for one in self.segments if one is not segment)

    def keep_first(self) -> None:
        raise AssertionError

    def tail(self, _length: int) -> bytes:
        return b""

    def accept(self, *_: object) -> None:
        raise AssertionError

    def write(self, _view: memoryview) -> bool:
        raise AssertionError

    def rest(self) -> None:
        raise AssertionError

    def postpone(self, *_: object) -> None:
        raise AssertionError

    def finish(self) -> None:
        raise AssertionError

    def fail(self, *_: object) -> None:
        raise AssertionError


ERRORS = st.sampled_from(
    [
        CUT,
        None,
        SegmentRefused(Refusal.CROWDED, 503, 1.0),
        SegmentRefused(Refusal.REFUSED, 403),
        SegmentRefused(Refusal.MISFIT, 200),
        OSError("a bug"),
    ]
)


class Sharing(RuleBasedStateMachine):
    """Plays the loop for one file: begins transfers, brings bytes, and lets them end."""

    @initialize(mib=st.integers(16, 200), more=st.integers(1, 20))
    def begin(self, mib: int, more: int) -> None:
        self.now = 0.0
        self.body = Body(mib * MIB)
        state = TransferState(total=self.body.size, etag='"v"')
        self.own = Fetch(URL, self.body, state)
        self.file = SegmentedFetch(JobQueue(), self.own, self.body, 0.03)
        self.file.join(self.own, self.body.segments[0], self.now)
        for cut in cuts(Remainder(0, self.body.size, None), more):
            self.body.split(cut)
        self.is_queued = False
        self.is_whole = False

    def _among(self, which: int) -> Fetch:
        lanes = list(self.file.lanes)
        return lanes[which % len(lanes)]

    @precondition(lambda self: not self.is_whole and self.file.may_divide)
    @rule()
    def another_transfer_begins(self) -> None:
        segment = self.file.next_segment(self.now)
        if segment is not None:
            assert all(lane.segment is not segment for lane in self.file.lanes.values())
            fetch = self.file.helper(segment, self.now)
            assert fetch.lane is not None
            assert not fetch.lane.is_own
            segment.expect(segment.stop)

    @rule(seconds=st.floats(0, 5))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.is_queued)
    @rule()
    def its_own_turn_comes(self) -> None:
        self.is_queued = False
        if self.file.own_turn(self.now):
            assert self.own.lane is not None
            self.body.go_on(self.own.lane.segment.start)
            self.own.lane.segment.expect(self.own.lane.segment.stop)

    @precondition(lambda self: self.file.lanes)
    @rule(which=st.integers(0, 20), length=st.integers(0, 30 * MIB), seconds=st.floats(0, 20))
    def bytes_come(self, which: int, length: int, seconds: float) -> None:
        self.now += seconds
        lane = self.file.lanes[self._among(which)]
        segment = lane.segment
        assert isinstance(segment, Segment)
        segment.bring(length)

    @precondition(lambda self: self.file.lanes)
    @rule(which=st.integers(0, 20), error=ERRORS, kind=st.sampled_from(["filled", "ended"]))
    def a_transfer_ends(self, which: int, error: TryFailed | Exception | None, kind: str) -> None:
        fetch = self._among(which)
        segment = self.file.lanes[fetch].segment
        assert isinstance(segment, Segment)
        if kind == "filled":
            segment.bring(self.body.size)
            error = None
        rested = segment.rests
        step = self.file.ended(fetch, error, decided=False)
        assert fetch.lane is None
        assert segment.rests == rested + 1
        self._do(step, fetch)

    def _do(self, step: Step, fetch: Fetch) -> None:
        match step:
            case Step.WHOLE:
                assert not self.is_whole
                self.is_whole = self.file.is_over = True
            case Step.OWN_TURN:
                assert not self.is_queued
                self.file.rests = False
                self.is_queued = True
            case Step.AS_USUAL:
                assert fetch is self.own
                self.is_queued = True  # it tries again

    @precondition(lambda self: self.file.youngest() is not None)
    @rule()
    def a_transfer_is_stopped_for_a_file_that_waits(self) -> None:
        fetch = self.file.youngest()
        assert fetch is not None
        assert fetch is not self.own
        self.file.stopped(fetch)

    @invariant()
    def no_byte_comes_twice(self) -> None:
        came = sorted(self.body.came)
        assert all(before[1] <= after[0] for before, after in pairwise(came))

    @invariant()
    def its_segments_cover_it_and_each_is_brought_by_one(self) -> None:
        segments = self.body.segments
        assert segments[0].start == 0
        assert segments[-1].stop == self.body.size
        assert all(before.stop == after.start for before, after in pairwise(segments))
        brought = [lane.segment.start for lane in self.file.lanes.values()]
        assert len(brought) == len(set(brought)) <= MOST
        starts = {one.start for one in segments}
        assert set(brought) <= starts

    @invariant()
    def somebody_goes_on_until_it_is_whole(self) -> None:
        full = all(one.is_full for one in self.body.segments)
        assert self.is_whole or self.file.lanes or self.is_queued
        if self.is_whole:
            assert full
            assert sum(stop - start for start, stop in self.body.came) == self.body.size


def test_a_file_is_shared_without_a_byte_twice_or_none() -> None:
    run_state_machine_as_test(
        Sharing, settings=settings(max_examples=2 * settings().max_examples, stateful_step_count=30)
    )
