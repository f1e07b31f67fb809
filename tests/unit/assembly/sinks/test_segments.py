"""A body that comes in segments: every byte right, whatever is split, joined, killed or changed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
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
from tests.fakes.archives import contents, gaps, packed_files
from tests.fakes.remembering import Memory
from tests.fakes.resources import FakeResources, body, head, settle

from packmule.assembly.assembly import Assembly
from packmule.assembly.disk.blocks import BLOCK_BYTES
from packmule.assembly.receiving import EntryReceiver
from packmule.jobs.model import Compression, Manifest, Source
from packmule.outbound.receiver import SegmentFilled
from packmule.outbound.urls import parse

if TYPE_CHECKING:
    from packmule.assembly.sinks.placed import PlacedSink

SOURCES = [Source(0, "http://127.0.0.1/0", "0.bin"), Source(1, "http://127.0.0.1/1", "1.bin")]
URL = parse(SOURCES[0].url)
PIECE = 16 * 1024
SIZES = st.sampled_from([600_000, BLOCK_BYTES, 2 * BLOCK_BYTES + 4097, 2_500_000])


@dataclass
class Sending:
    """A response on its way to the segment that begins at `start`: where it is, and its end."""

    start: int
    at: int
    end: int


class Segments(RuleBasedStateMachine):
    """Plays the transfers of one body; a second, small file keeps the archive open."""

    @initialize(
        size=SIZES, blocks=st.sampled_from([1, 2, 8]), manifest=st.sampled_from(list(Manifest))
    )
    def begin(self, size: int, blocks: int, manifest: Manifest) -> None:
        self.manifest = manifest
        self.folder = Path(tempfile.mkdtemp())
        self.version, self.size, self.blocks = 0, size, blocks
        self.memory = Memory()
        self.sending: list[Sending] = []
        self._open()
        self._from_the_start()

    def _open(self) -> None:
        self.resources = FakeResources(self.blocks)
        self.assembly = Assembly(
            SOURCES, self.memory.remembered(), self.folder / "a.zip", self.resources.real,
            compression=Compression.STORE, manifest=self.manifest, title="a",
        )  # fmt: skip
        self.assembly.start()
        (fetches,) = self.resources.loop.fetches.values()
        receiver = fetches[0].receiver
        assert isinstance(receiver, EntryReceiver)
        self.receiver = receiver
        self.other = fetches[1].receiver
        self.kept_before = receiver.held

    def _from_the_start(self) -> None:
        self.content = body(self.size, self.version)
        self.receiver.accept(head(self.size), 0, self.size, URL)
        while self.receiver.write(memoryview(self.content)[:1]):
            self._make_room()
        self.sending = [Sending(0, 1, self.size)]

    @property
    def placed(self) -> PlacedSink:
        placed = self.receiver.segmented
        assert placed is not None
        return placed

    def _send(self, sending: Sending, length: int) -> None:
        """Send so many bytes more, as libcurl would; the response ends where its segment does."""
        segment = next(one for one in self.placed.segments if one.start == sending.start)
        goal = min(sending.at + length, sending.end)
        refused = 0
        while sending.at < goal:
            view = memoryview(self.content)[sending.at : min(goal, sending.at + PIECE)]
            write = self.receiver.write if sending.start == 0 else segment.write
            try:
                if write(view):
                    refused += 1
                    assert refused < 100
                    self._make_room()
                    continue
            except SegmentFilled:
                assert segment.is_full
                self.sending.remove(sending)
                return
            sending.at += len(view)
            assert segment.kept == sending.at
        if sending.at == sending.end:
            self.sending.remove(sending)

    def _make_room(self) -> None:
        self.checkpoint()
        self.resources.writer.wait()
        self.resources.loop.turn()

    @precondition(lambda self: self.receiver.segmented is not None)
    @rule(at=st.floats(0, 1))
    def another_transfer_takes_over(self, at: float) -> None:
        segment = max(self.placed.segments, key=lambda one: one.stop - one.kept)
        cut = int(segment.kept + 1 + (segment.stop - segment.kept - 1) * at)
        if not segment.kept < cut < segment.stop or cut <= segment.start:
            return
        new = self.placed.split(cut)
        assert (segment.stop, new.start) == (cut, cut)
        if self._sending_of(segment.start) is None and not segment.is_full:
            self._ask(segment.start)
        self._ask(cut)

    def _sending_of(self, start: int) -> Sending | None:
        return next((one for one in self.sending if one.start == start), None)

    def _ask(self, start: int) -> None:
        """Ask for what is missing of the segment that begins there."""
        segment = next(one for one in self.placed.segments if one.start == start)
        if segment.is_full or self._sending_of(start) is not None:
            return
        segment.expect(segment.stop)
        if start == 0:
            self.receiver.go_on(0)
        self.sending.append(Sending(start, segment.kept, segment.stop))

    @precondition(lambda self: self.sending)
    @rule(which=st.integers(0, 7), length=st.one_of(st.integers(1, 70_000), st.just(1_200_000)))
    def bytes_come(self, which: int, length: int) -> None:
        self._send(self.sending[which % len(self.sending)], length)

    @rule(which=st.integers(0, 7))
    def a_connection_breaks(self, which: int) -> None:
        if self.sending:
            sending = self.sending.pop(which % len(self.sending))
            next(one for one in self.placed.segments if one.start == sending.start).rest()

    @precondition(lambda self: self.receiver.segmented is not None)
    @rule()
    def an_empty_segment_goes_back(self) -> None:
        segments = self.placed.segments
        for before, segment in pairwise(segments):
            sending = self._sending_of(before.start)
            covers = sending is not None and before.expected >= segment.stop
            idle = self._sending_of(segment.start) is None and segment.kept == segment.start
            if idle and (covers or sending is None) and not before.is_full:
                self.placed.join(segment.start)
                return

    @precondition(lambda self: self.receiver.segmented is not None)
    @rule()
    def all_connections_are_made_anew(self) -> None:
        for segment in self.placed.segments:
            self._ask(segment.start)

    @rule()
    def checkpoint(self) -> None:
        checkpoint = self.assembly.checkpoint()
        self.memory.record(checkpoint)
        self.assembly.recorded()

    # What is whole is not asked for again: `test_checksums` has that.
    @precondition(lambda self: not all(one.is_full for one in self.placed.segments))
    @rule(orderly=st.booleans())
    def the_run_ends_and_another_takes_up(self, *, orderly: bool) -> None:
        if orderly:
            self.memory.record(self.assembly.stop())
        self.assembly.close()
        self.resources.close()
        remembered = self.memory.remembered().open
        claimed = remembered[0].bytes_written if remembered else 0
        self.sending = []
        self._open()
        if not remembered:
            self._from_the_start()
            return
        assert self.receiver.held == claimed
        for segment in self.placed.segments:
            self._ask(segment.start)

    @rule()
    def the_file_changes(self) -> None:
        self.version += 1
        self._from_the_start()

    @precondition(lambda self: self.receiver.segmented is not None)
    @rule()
    def only_the_beginning_is_kept(self) -> None:
        self.sending = []
        self.placed.keep_first()
        self._ask(0)

    @invariant()
    def its_segments_cover_the_body_without_a_gap(self) -> None:
        placed = self.receiver.segmented
        if placed is None:
            return
        segments = placed.segments
        assert segments[0].start == 0
        assert segments[-1].stop == self.size
        assert all(a.stop == b.start for a, b in pairwise(segments))
        assert all(one.start <= one.kept <= one.stop for one in segments)
        assert self.receiver.held == sum(one.kept - one.start for one in segments)

    def teardown(self) -> None:
        while not all(one.is_full for one in self.placed.segments):
            for segment in self.placed.segments:
                self._ask(segment.start)
            self._send(self.sending[0], self.size)
        self.receiver.finish()
        assert self.receiver.held == self.size
        self.other.accept(head(5), 0, 5, URL)
        self.other.write(memoryview(b"small"))
        self.other.finish()
        settle(self.assembly, self.resources)
        self.memory.record(self.assembly.stop())
        assert self.assembly.error is None
        finished, _ = self.assembly.finish()
        self.assembly.close()
        assert self.resources.pool.all_back
        self.resources.close()
        assert gaps(finished) == []
        files = {"0.bin": self.content, "1.bin": b"small"}
        assert packed_files(contents(finished), self.manifest) == files


@pytest.mark.timeout(300)
def test_a_body_in_segments_is_right_whatever_comes() -> None:
    run_state_machine_as_test(Segments, settings=settings(stateful_step_count=25))
