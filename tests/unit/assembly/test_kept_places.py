"""The ledger keeps the place of a failed file, which is told as open once and held from then on."""

from __future__ import annotations

from tests.unit.assembly.test_ledger import Body, failed, place

from packmule.assembly.ledger import Ledger
from packmule.jobs.model import Remembered


def test_a_failed_file_keeps_its_place_until_that_is_given_up() -> None:
    ledger = Ledger(2, Remembered())
    body = Body(50)
    ledger.opened(0, body, 100)
    ledger.placed(place(0), body)
    body.bytes_written = 50
    ledger.failed(failed(0), keeps=True)
    first = ledger.cut()
    assert ([one.position for one in first.failed], first.kept) == ([0], frozenset())
    assert [entry.written for _, entry in first.open] == [50]
    ledger.recorded()
    later = ledger.cut()
    assert ([entry.written for _, entry in later.open], later.kept) == ([50], frozenset({0}))
    ledger.drop_kept()
    assert not ledger.has_kept
    for _ in range(2):  # until one was recorded
        last = ledger.cut()
        assert (last.open, last.dropped, last.kept) == ((), (0,), frozenset())
    ledger.recorded()
    assert ledger.cut().dropped == ()


def test_a_failed_file_of_an_earlier_run_still_keeps_its_place() -> None:
    remembered = Remembered(open=(place(0, written=30), place(1)), failed=(failed(0),))
    cut = Ledger(2, remembered).cut()
    assert [(entry.position, entry.written) for _, entry in cut.open] == [(0, 30)]
    assert (cut.failed, cut.kept) == ((), frozenset({0}))
