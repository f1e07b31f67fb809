"""How long a journal gets: what was overtaken is left behind, and what is done is written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.jobs import checkpoint, done, failed, opened

from packmule.jobs.journal import Journal
from packmule.jobs.model import Remembered

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "of these sources"


def test_a_journal_stays_small_however_often_an_open_entry_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, compact_after=4_000)
    journal.load(DIGEST)
    journal.append(checkpoint(*(done(n) for n in range(2, 12))))
    for written in range(2_000):
        journal.append(checkpoint(opened(1, written=written), tail=written))
    journal.append(checkpoint(failed(0), tail=9_000))
    journal.close()
    assert path.stat().st_size < 3 * 4_000
    again = Journal(path)
    assert again.load(DIGEST) == Remembered(
        tail=9_000,
        done=tuple(done(n) for n in range(2, 12)),
        open=(opened(1, written=1_999),),
        failed=(failed(0),),
    )
    again.remove()
    assert list(path.parent.iterdir()) == []


def test_what_is_done_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, compact_after=20_000)
    journal.load(DIGEST)
    first = path.stat().st_ino
    for number in range(100):
        journal.append(checkpoint(*(done(20 * number + n) for n in range(20))))
    journal.close()
    assert path.stat().st_size > 3 * 20_000
    assert path.stat().st_ino == first  # or it would have been replaced
