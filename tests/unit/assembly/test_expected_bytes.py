"""How many bytes an archive is expected to have while some files' lengths are unknown."""

from __future__ import annotations

from tests.unit.assembly.test_ledger import Body, failed

from packmule.assembly.ledger import Ledger
from packmule.jobs.model import Remembered


def test_files_of_unknown_length_are_expected_to_be_as_long_as_the_others() -> None:
    ledger = Ledger(4, Remembered())
    assert ledger.progress().bytes_expected is None
    ledger.opened(0, Body(), 100)
    ledger.opened(1, Body(), 50)
    assert ledger.progress().bytes_expected == 300
    ledger.opened(2, Body(), None)
    ledger.failed(failed(3))
    assert ledger.progress().bytes_expected == 225
    ledger.handed_over(2, 10)
    assert (ledger.progress().bytes_expected, ledger.progress().bytes_total) == (None, 160)
