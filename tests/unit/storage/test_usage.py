"""Whether a file is being read is known, whoever reads it, and its entity tag is not touched."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from packmule.storage.local import LocalStorage
from packmule.storage.usage import is_read, note_read

if TYPE_CHECKING:
    from pathlib import Path

KEY = "0f" * 16
LONG_AGO = 1_700_000_000.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"read by nobody")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_what_nobody_has_open_is_not_read(file: Path) -> None:
    assert not is_read(file, 60)


def test_what_this_process_has_open_is_read(file: Path) -> None:
    with file.open("rb"):
        assert is_read(file, 60)
    assert not is_read(file, 60)


def test_what_another_process_has_open_is_read(file: Path) -> None:
    program = "import sys; f = open(sys.argv[1], 'rb'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert is_read(file, 60)
        other.communicate()
    assert not is_read(file, 60)


def test_what_was_asked_for_a_moment_ago_is_read(file: Path) -> None:
    note_read(file)
    assert is_read(file, 60)
    assert not is_read(file, 0)
    assert file.stat().st_mtime == LONG_AGO


def test_noting_what_is_gone_is_no_error(tmp_path: Path) -> None:
    note_read(tmp_path / "gone")


def test_an_archive_is_in_use_for_a_while_after_it_was_published(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with storage.claim(KEY, 1, ()) as scratch:
        scratch.write_bytes(b"an archive")
    archive = storage.publish(KEY, 1, scratch)
    assert storage.is_in_use(KEY, 60)
    assert not storage.is_in_use(KEY, 0)
    assert archive.path is not None
    note_read(archive.path)
    assert storage.find(KEY) == archive
    storage.remove(KEY)
    assert not storage.is_in_use(KEY, 60)


def test_scratch_is_listed_by_its_key(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert list(storage.left_over()) == []
    with storage.claim(KEY, 1, ()) as scratch:
        os.utime(scratch, (LONG_AGO, LONG_AGO))
    (scratch.parent / "lost+found").mkdir()
    assert list(storage.left_over()) == [(KEY, LONG_AGO)]
