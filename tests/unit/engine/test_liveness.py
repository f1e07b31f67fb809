"""Locks that tell the living from the dead."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from packmule.engine.liveness import LockFiles, Unlocked

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys, pathlib
from packmule.engine.liveness import LockFiles
with LockFiles(pathlib.Path(sys.argv[1])).present() as name:
    print(name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packmule.db-workers"


def test_who_is_present_is_not_gone(folder: Path) -> None:
    with LockFiles(folder).present() as name:
        assert not LockFiles(folder).is_gone(name)
        # Asking does not take the lock away.
        assert not LockFiles(folder).is_gone(name)


def test_who_has_left_is_gone_and_leaves_nothing(folder: Path) -> None:
    with LockFiles(folder).present() as name:
        pass
    assert LockFiles(folder).is_gone(name)
    assert list(folder.iterdir()) == []


def test_names_are_never_given_twice(folder: Path) -> None:
    with LockFiles(folder).present() as one, LockFiles(folder).present() as other:
        assert one != other


def test_a_killed_process_is_gone_at_once_and_the_next_one_tidies_up(folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        name = holder.stdout.readline().strip()
        assert not LockFiles(folder).is_gone(name)
        holder.kill()
        holder.wait(30)
    assert (folder / name).exists()
    with LockFiles(folder).present() as mine:
        assert [path.name for path in folder.iterdir()] == [mine]
    assert LockFiles(folder).is_gone(name)


def test_a_name_never_leads_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.touch()
    with LockFiles(folder).present():
        assert LockFiles(folder).is_gone("../precious")
    assert outside.exists()


def test_without_locks_nobody_is_known_to_be_gone() -> None:
    with Unlocked().present() as name:
        assert str(os.getpid()) in name
    assert not Unlocked().is_gone(name)
