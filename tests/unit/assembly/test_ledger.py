"""The ledger puts each file in one list, whatever is told in whichever order, by any thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from packmule.assembly.ledger import Cut, Hold, Ledger
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import (
    DoneEntry,
    FailedEntry,
    OpenEntry,
    Remembered,
    WaitingFile,
    WrittenSegment,
)

FAILURE = Failure(FailureCode.TRUNCATED, "cut")


class Body:
    """A body under way, of which `bytes_written` are on disk."""

    def __init__(self, held: int = 0) -> None:
        self.held = held
        self.bytes_written = 0
        self.version = 0

    def written(self, version: int) -> tuple[WrittenSegment, ...]:
        is_this = version == self.version
        return (WrittenSegment(0, self.bytes_written, 7) if is_this else WrittenSegment(0, 0, 0),)

    def rest(self) -> None:
        """Hold all."""

    def let_go(self) -> None:
        self.held = 0

    def fail(self, _failure: Failure) -> None:
        self.let_go()


def place(position: int, size: int = 100, written: int = 0) -> OpenEntry:
    return OpenEntry(position, f"{position}.bin", position * 1000, 40, size, written, 0)


def done(position: int, size: int = 100) -> DoneEntry:
    return DoneEntry(position, f"{position}.bin", position * 1000, 0, 7, size, size)


def failed(position: int) -> FailedEntry:
    return FailedEntry(position, "", FAILURE)


def opened(ledger: Ledger, position: int, size: int | None = 100) -> Body:
    body = Body()
    ledger.opened(position, body, size)
    if size is not None:
        ledger.placed(place(position, size), body)
    return body


def positions(cut: Cut) -> tuple[list[int], list[int], list[int]]:
    return (
        [entry.position for entry in cut.done],
        [entry.position for _, entry in cut.open],
        [entry.position for entry in cut.failed],
    )


def test_a_whole_body_is_open_until_it_is_written() -> None:
    ledger = Ledger(1, Remembered())
    body = opened(ledger, 0)
    body.bytes_written = 60
    assert ledger.handed_over(0, 100)
    assert positions(ledger.cut()) == ([], [0], [])
    ledger.done([done(0)])
    assert positions(ledger.cut()) == ([0], [], [])


def test_a_cut_repeats_what_was_not_recorded() -> None:
    ledger = Ledger(3, Remembered())
    ledger.opened(0, Body(), 100)
    ledger.handed_over(0, 100)
    ledger.done([done(0)])
    ledger.failed(failed(1))
    assert positions(ledger.cut()) == positions(ledger.cut()) == ([0], [], [1])
    ledger.recorded()
    assert positions(ledger.cut()) == ([], [], [])


def test_claimed_bytes_are_on_hold_until_a_cut_that_forgets_them_is_recorded() -> None:
    ledger = Ledger(1, Remembered())
    body = opened(ledger, 0)
    ledger.cut()
    body.version = 1
    hold = ledger.begin_anew(place(0), 1)
    assert hold is not None
    ledger.recorded()  # of the cut before: it claims what was there
    assert not hold.released
    ledger.cut()
    assert not hold.released
    assert ledger.recorded()
    assert hold.released


def test_bytes_that_no_checkpoint_claims_may_be_overwritten_at_once() -> None:
    ledger = Ledger(1, Remembered())
    opened(ledger, 0).version = 1
    assert ledger.begin_anew(place(0), 1) is None


def test_a_resumed_place_is_claimed_from_the_beginning() -> None:
    ledger = Ledger(1, Remembered())
    body = Body()
    ledger.opened(0, body, 100)
    ledger.placed(place(0, written=50), body)
    assert ledger.begin_anew(place(0), 1) is not None


def test_a_length_told_once_counts_once_although_a_later_head_tells_none() -> None:
    ledger = Ledger(2, Remembered())
    body = Body()
    ledger.opened(0, body, 100)
    ledger.opened(0, body, None)
    ledger.opened(1, Body(), 10)
    assert ledger.progress().bytes_total == 110
    ledger.opened(0, body, 120)
    assert ledger.progress().bytes_total == 130
    ledger.handed_over(0, 125)
    assert ledger.progress().bytes_total == 135
    ledger.failed(failed(1))
    assert ledger.progress().bytes_total == 125


def test_progress_never_falls_when_a_body_is_handed_over() -> None:
    ledger = Ledger(1, Remembered())
    body = opened(ledger, 0)
    body.held = 100
    assert ledger.progress().bytes_done == 100
    ledger.handed_over(0, 100)
    assert ledger.progress().bytes_done == 100
    ledger.done([done(0)])
    assert ledger.progress().bytes_done == 100


def test_the_last_body_is_told_as_such_and_the_last_end_wakes() -> None:
    woken: list[bool] = []
    ledger = Ledger(2, Remembered(), on_resolved=lambda: woken.append(True))
    ledger.opened(0, Body(), 1)
    assert not ledger.handed_over(0, 1)
    assert ledger.failed(failed(1))
    assert not woken
    ledger.done([done(0, 1)])
    assert woken
    assert ledger.is_resolved


def test_a_file_that_begins_anew_twice_waits_for_the_checkpoint_after_the_second() -> None:
    ledger = Ledger(1, Remembered())
    opened(ledger, 0)
    ledger.cut()
    first = ledger.begin_anew(place(0), 1)
    ledger.cut()
    second = ledger.begin_anew(place(0), 2)
    assert first is not None
    assert second is not None
    assert ledger.recorded()
    assert (first.released, second.released) == (True, False)
    ledger.cut()
    assert ledger.recorded()
    assert second.released


def test_its_state_is_told_in_one_line() -> None:
    ledger = Ledger(4, Remembered(done=(done(3),)))
    opened(ledger, 0)
    ledger.cut()
    ledger.recorded()
    ledger.begin_anew(place(0), 1)
    ledger.opened(1, Body(), None)
    ledger.failed(failed(2))
    assert repr(ledger) == (
        "<Ledger of 4: 1 done, 1 failed, 2 open, 1 in place, 1 on hold, recorded 1+0>"
    )


FILES = 8


@dataclass
class Known:
    """What the model knows of a file."""

    state: str = "waiting"
    length: int | None = None
    body: Body | None = None
    placed: bool = False
    hold: Hold | None = None
    claimed: bool = False


class LedgerMachine(RuleBasedStateMachine):
    """Tells the ledger what may happen to files, and compares each cut with a plain model."""

    @initialize()
    def begin(self) -> None:
        self.ledger = Ledger(FILES, Remembered())
        self.files = [Known() for _ in range(FILES)]
        self.recorded: set[int] = set()
        self.last: Cut | None = None
        self.forgotten: list[Hold] = []
        self.may_be_released: list[Hold] = []

    def among(self, *states: str) -> list[int]:
        return [n for n, file in enumerate(self.files) if file.state in states]

    @rule(data=st.data(), size=st.one_of(st.none(), st.integers(1, 500)))
    def a_body_begins(self, data: st.DataObject, size: int | None) -> None:
        if not (choices := self.among("waiting", "open")):
            return
        n = data.draw(st.sampled_from(choices))
        file = self.files[n]
        body = Body()
        if file.placed:
            self.ledger.displaced(n)
        file.placed, file.hold, file.claimed = False, None, False
        self.ledger.opened(n, body, size)
        file.length = size if size is not None else file.length
        file.state, file.body = "open", body
        if size is not None:
            self.ledger.placed(place(n, size), body)
            file.placed = True

    @rule(data=st.data(), more=st.integers(1, 50))
    def bytes_are_written(self, data: st.DataObject, more: int) -> None:
        if choices := [n for n in self.among("open", "whole") if self.files[n].placed]:
            body = self.files[data.draw(st.sampled_from(choices))].body
            assert body is not None
            body.bytes_written += more
            body.held += more

    @rule(data=st.data())
    def a_placed_body_begins_anew(self, data: st.DataObject) -> None:
        if not (choices := [n for n in self.among("open") if self.files[n].placed]):
            return
        n = data.draw(st.sampled_from(choices))
        file = self.files[n]
        assert file.body is not None
        file.body.version += 1
        file.body.bytes_written = file.body.held = 0
        hold = self.ledger.begin_anew(place(n, file.length or 0), file.body.version)
        assert (hold is not None) == file.claimed
        file.hold = hold

    @rule(data=st.data())
    def a_body_is_handed_over(self, data: st.DataObject) -> None:
        if not (choices := self.among("open")):
            return
        n = data.draw(st.sampled_from(choices))
        file = self.files[n]
        file.length = file.length or 5
        file.state = "whole"
        last = self.ledger.handed_over(n, file.length)
        assert last == (not self.among("waiting", "open"))

    @rule(data=st.data())
    def files_are_done(self, data: st.DataObject) -> None:
        if choices := self.among("whole"):
            some = data.draw(st.lists(st.sampled_from(choices), unique=True, min_size=1))
            self.ledger.done([done(n, self.files[n].length or 0) for n in some])
            for n in some:
                self.files[n] = replace(self.files[n], state="done", placed=False)

    @rule(data=st.data())
    def a_file_fails(self, data: st.DataObject) -> None:
        if choices := self.among("waiting", "open"):
            n = data.draw(st.sampled_from(choices))
            last = self.ledger.failed(failed(n))
            self.files[n] = replace(self.files[n], state="failed", placed=False)
            assert last == (not self.among("waiting", "open"))

    @rule()
    def a_checkpoint_is_cut(self) -> None:
        self.last = cut = self.ledger.cut()
        self.forgotten = []
        done_now, open_now, failed_now = positions(cut)
        assert len({*done_now, *open_now, *failed_now}) == len(done_now + open_now + failed_now)
        assert set(done_now) == set(self.among("done")) - self.recorded
        assert set(failed_now) == set(self.among("failed")) - self.recorded
        assert set(open_now) == {n for n, file in enumerate(self.files) if file.placed}
        for mark, entry in cut.open:
            file = self.files[mark.position]
            assert file.body is not None
            assert (mark.version, entry.written) == (file.body.version, file.body.bytes_written)
            file.claimed = True
            if file.hold is not None and not file.hold.released:
                self.forgotten.append(file.hold)

    @precondition(lambda self: self.last is not None)
    @rule()
    def it_is_recorded(self) -> None:
        assert self.last is not None
        self.ledger.recorded()
        done_now, _, failed_now = positions(self.last)
        self.recorded |= {*done_now, *failed_now}
        assert all(hold.released for hold in self.forgotten)
        self.may_be_released += self.forgotten
        self.last, self.forgotten = None, []

    @invariant()
    def what_a_checkpoint_claims_stays_on_hold(self) -> None:
        released = [file.hold for file in self.files if file.hold and file.hold.released]
        assert all(hold in self.may_be_released for hold in released)

    @invariant()
    def progress_counts_every_file_once(self) -> None:
        progress = self.ledger.progress()
        assert progress.files_done == len(self.among("done"))
        assert progress.files_failed == len(self.among("failed"))
        whole = sum(self.files[n].length or 0 for n in self.among("whole", "done"))
        kept = sum(b.held for n in self.among("open") if (b := self.files[n].body) is not None)
        assert progress.bytes_done == whole + kept
        counted = [self.files[n] for n in range(FILES) if self.files[n].state != "failed"]
        known = all(file.length is not None for file in counted)
        assert (progress.bytes_total is not None) == known
        assert progress.bytes_expected is None or progress.bytes_expected >= progress.bytes_done
        if known:
            assert progress.bytes_total == sum(file.length or 0 for file in counted)
        assert self.ledger.is_resolved == (not self.among("waiting", "open", "whole"))


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=2 * settings().max_examples, stateful_step_count=40)


def test_with_real_threads_each_cut_has_each_file_once_and_none_is_lost() -> None:
    count = 3000
    ledger = Ledger(count, Remembered())
    on_the_way: list[int] = []
    handed = threading.Semaphore(0)

    def loop() -> None:
        for n in range(count):
            opened(ledger, n)
            if n % 5 == 0:
                ledger.failed(failed(n))
                continue
            ledger.handed_over(n, 100)
            on_the_way.append(n)
            handed.release()

    def writer() -> None:
        for at in range(count - count // 5):
            handed.acquire()
            ledger.done([done(on_the_way[at])])

    threads = [threading.Thread(target=work) for work in (loop, writer)]
    for thread in threads:
        thread.start()
    ended: set[int] = set()
    while any(thread.is_alive() for thread in threads) or not ledger.is_resolved:
        ended |= _checked(ledger, ended)
    ended |= _checked(ledger, ended)
    for thread in threads:
        thread.join()
    assert ended == set(range(count))


def _checked(ledger: Ledger, before: set[int]) -> set[int]:
    """Cut and record; return what has ended, and see that nothing is said twice."""
    done_now, open_now, failed_now = positions(ledger.cut())
    said = done_now + open_now + failed_now
    assert len(set(said)) == len(said)
    assert not before & set(said)
    ledger.recorded()
    return {*done_now, *failed_now}


def test_the_files_that_wait_are_told_the_soonest_first_and_only_some() -> None:
    ledger = Ledger(40, Remembered())
    waits = [WaitingFile(n, None, FAILURE, 100.0 - n) for n in range(30)]
    for wait in waits:
        ledger.postponed(wait)
    assert ledger.progress().waiting == tuple(reversed(waits[10:]))
    ledger.resumed(29)
    ledger.failed(failed(28))
    ledger.resumed(28)
    assert ledger.progress().waiting[0] == waits[27]
