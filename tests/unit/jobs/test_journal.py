"""The journal beside an archive: what was appended is there again, whatever happened meanwhile."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.jobs import (
    PROGRESS,
    Entry,
    checkpoint,
    done,
    failed,
    opened,
    opened_in_segments,
)

from packmule.errors import DiskFull, Failure, FailureCode, StorageFailed, UsageError
from packmule.jobs import journal as module
from packmule.jobs.journal import Journal
from packmule.jobs.journal_records import checkpoint_record
from packmule.jobs.model import Checkpoint, FailedEntry, Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DIGEST = "d1" * 32
OTHER = "d2" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.zip.journal"


@pytest.fixture
def open_journal(path: Path) -> Iterator[Callable[[], Journal]]:
    """Open the journal anew, as after a restart: the one before is let go of."""
    opened: list[Journal] = []

    def anew() -> Journal:
        for journal in opened:
            journal.close()
        opened.append(Journal(path))
        return opened[-1]

    yield anew
    for journal in opened:
        journal.close()


def remembered(journal: Journal, digest: str = DIGEST) -> Remembered | None:
    found = journal.load(digest)
    journal.close()
    return found


def test_where_nothing_was_appended_there_is_nothing_to_resume(
    open_journal: Callable[[], Journal],
) -> None:
    assert open_journal().load(DIGEST) is None
    assert open_journal().load(DIGEST) is None


def test_checkpoints_add_up_to_what_was_said_last_of_each_file(
    open_journal: Callable[[], Journal],
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(opened(1, written=100), opened(0), tail=10))
    journal.append(checkpoint(done(0), opened(1, written=700), failed(2), tail=20))
    assert remembered(open_journal()) == Remembered(
        tail=20, done=(done(0),), open=(opened(1, written=700),), failed=(failed(2),)
    )


def test_what_a_restart_appends_joins_what_was_there(
    open_journal: Callable[[], Journal],
) -> None:
    for position in range(3):
        journal = open_journal()
        journal.load(DIGEST)
        journal.append(checkpoint(done(position)))
    found = remembered(open_journal())
    assert found is not None
    assert [entry.position for entry in found.done] == [0, 1, 2]


def test_a_journal_of_another_request_is_begun_anew_at_the_first_append_and_not_before(
    open_journal: Callable[[], Journal],
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(0)))
    assert open_journal().load(OTHER) is None
    assert remembered(open_journal()) is not None
    journal = open_journal()
    journal.load(OTHER)
    journal.append(checkpoint(done(7)))
    assert remembered(open_journal(), DIGEST) is None
    found = remembered(open_journal(), OTHER)
    assert found is not None
    assert [entry.position for entry in found.done] == [7]


def test_what_is_written_further_on_is_remembered(open_journal: Callable[[], Journal]) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(opened_in_segments(1), tail=10))
    assert remembered(open_journal()) == Remembered(tail=10, open=(opened_in_segments(1),))


def test_an_open_entry_of_an_older_form_has_no_segments(
    open_journal: Callable[[], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    older = checkpoint_record(checkpoint(opened(1), tail=10)).replace(b",null,[]]]", b",null]]")
    with monkeypatch.context() as patch:
        patch.setattr(module, "checkpoint_record", lambda _: older)
        journal.append(checkpoint(opened(1)))
    assert older.count(b"[]") == 2
    assert remembered(open_journal()) == Remembered(tail=10, open=(opened(1),))


def test_a_restart_puts_one_checkpoint_in_the_place_of_all_whosever_they_were(
    open_journal: Callable[[], Journal],
) -> None:
    for digest in (DIGEST, OTHER):
        journal = open_journal()
        journal.load(digest)
        journal.append(checkpoint(done(0), opened(1), failed(2)))
        journal.restart(checkpoint(done(3), tail=5))
        assert remembered(open_journal(), digest) == Remembered(tail=5, done=(done(3),))
        journal = open_journal()
        journal.load(digest)
        journal.append(checkpoint(done(4), tail=6))
        found = remembered(open_journal(), digest)
        assert found is not None
        assert [entry.position for entry in found.done] == [3, 4]


def test_a_restart_that_the_disk_refuses_leaves_what_was_there_and_nothing_beside_it(
    open_journal: Callable[[], Journal], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(0)))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(DiskFull):
            journal.restart(checkpoint(done(1)))
    journal.append(checkpoint(done(2)))
    found = remembered(open_journal())
    assert found is not None
    assert [entry.position for entry in found.done] == [0, 2]
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_one_checkpoint_calls_open_and_done_is_done(
    open_journal: Callable[[], Journal],
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(1), opened(1)))
    assert remembered(open_journal()) == Remembered(tail=7 * 2**32, done=(done(1),))


def test_a_journal_that_another_process_removes_while_it_is_opened_is_made_anew(
    open_journal: Callable[[], Journal], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [2]

    def lock(*_: object) -> None:
        if left[0]:
            left[0] -= 1
            path.unlink()

    with monkeypatch.context() as patch:
        patch.setattr("fcntl.flock", lock)
        journal = open_journal()
        assert journal.load(DIGEST) is None
    assert left == [0]
    journal.append(checkpoint(done(0)))
    assert remembered(open_journal()) is not None


def test_a_torn_tail_is_ignored_wherever_it_was_torn_and_then_written_over(
    open_journal: Callable[[], Journal], path: Path
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(0)))
    whole = path.read_bytes()
    journal.append(checkpoint(done(1)))
    both = path.read_bytes()
    for length in range(len(whole), len(both)):
        path.write_bytes(both[:length])
        journal = open_journal()
        found = journal.load(DIGEST)
        assert found is not None
        assert [entry.position for entry in found.done] == [0]
        journal.append(checkpoint(done(2)))
        found = remembered(open_journal())
        assert found is not None
        assert [entry.position for entry in found.done] == [0, 2]


def test_a_journal_torn_before_its_first_checkpoint_is_begun_anew(
    open_journal: Callable[[], Journal], path: Path
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(0)))
    both = path.read_bytes()
    for length in range(len(both)):
        path.write_bytes(both[:length])
        found = remembered(open_journal())
        assert found in {None, Remembered()}


@given(at=st.floats(0, 1, exclude_max=True), damage=st.integers(1, 255))
def test_a_damaged_byte_ends_what_is_believed(
    tmp_path_factory: pytest.TempPathFactory, at: float, damage: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = Journal(path)
    journal.load(DIGEST)
    ends = [0]
    for position in range(3):
        journal.append(checkpoint(done(position), tail=position))
        ends.append(path.stat().st_size)
    journal.close()
    content = bytearray(path.read_bytes())
    place = int(at * len(content))
    content[place] ^= damage
    path.write_bytes(content)
    found = remembered(Journal(path))
    # All records before the damaged one, and none behind it.
    whole = sum(end <= place for end in ends[1:])
    assert (found.done if found else ()) == tuple(done(n) for n in range(whole))


def test_a_file_that_is_no_journal_is_begun_anew(
    open_journal: Callable[[], Journal], path: Path
) -> None:
    path.write_bytes(b"PK\x03\x04" * 100)
    assert open_journal().load(DIGEST) is None


def test_every_name_and_failure_comes_back_as_it_was(
    open_journal: Callable[[], Journal],
) -> None:
    names = ["ünï/日本.txt", 'quo"te', "lone \udc80 surrogate", "nul \0", "😀"]
    entries: list[Entry] = [
        *(done(n, name) for n, name in enumerate(names)),
        *(
            FailedEntry(100 + n, "x", Failure(code, "Why.", None if n % 2 else n, n))
            for n, code in enumerate(FailureCode)
        ),
    ]
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(*entries))
    found = remembered(open_journal())
    assert found is not None
    assert [*found.done, *found.failed] == entries


def test_a_removed_journal_is_gone_and_removing_it_again_is_no_error(
    open_journal: Callable[[], Journal], path: Path
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(0)))
    journal.remove()
    journal.remove()
    assert not path.exists()
    assert open_journal().load(DIGEST) is None


def test_two_processes_do_not_write_one_archive(
    open_journal: Callable[[], Journal], path: Path
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(0)))
    with pytest.raises(UsageError, match="Another packmule"):
        Journal(path).load(DIGEST)
    journal.close()
    assert remembered(Journal(path)) is not None


def test_what_a_killed_process_appended_is_there(path: Path) -> None:
    program = (
        "import os, signal, sys, pathlib\n"
        "from packmule.jobs.journal import Journal\n"
        "from tests.fakes.jobs import checkpoint, done\n"
        "journal = Journal(pathlib.Path(sys.argv[1]))\n"
        f"journal.load({DIGEST!r})\n"
        "journal.append(checkpoint(done(3)))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, path], check=False, env={**os.environ, "PYTHONPATH": "."}
    )
    found = remembered(Journal(path))
    assert found is not None
    assert found.done == (done(3),)


@pytest.mark.parametrize(
    ("number", "raised"),
    [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, StorageFailed)],
)
def test_a_disk_that_refuses_is_named_and_nothing_that_was_there_is_lost(
    open_journal: Callable[[], Journal],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    raised: type[Exception],
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(0)))
    write = os.pwrite
    left = 10

    def short_of_room(file: int, data: memoryview, offset: int) -> int:
        nonlocal left
        if not left:
            raise OSError(number, os.strerror(number))
        count = min(left, len(data))
        left -= count
        return write(file, data[:count], offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", short_of_room)
        with pytest.raises(raised):
            journal.append(checkpoint(done(1)))
    journal.append(checkpoint(done(2)))
    found = remembered(open_journal())
    assert found is not None
    assert [entry.position for entry in found.done] == [0, 2]


def test_a_folder_that_is_not_there_is_a_storage_failure(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        Journal(tmp_path / "nowhere" / "j").load(DIGEST)


def test_a_checkpoint_of_a_later_form_is_the_end_of_what_is_understood(
    open_journal: Callable[[], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    journal.load(DIGEST)
    journal.append(checkpoint(done(0)))
    with monkeypatch.context() as patch:
        patch.setattr(module, "checkpoint_record", lambda _: b'{"tail":1,"shards":[]}')
        journal.append(Checkpoint(tail=1, progress=replace(PROGRESS, files_done=9)))
    found = remembered(open_journal())
    assert found is not None
    assert found.done == (done(0),)
