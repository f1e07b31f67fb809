"""What a scratch takes of the disk: given back where it can be, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from packmule.assembly.disk.disk_file import DiskFile, punch_hole
from packmule.assembly.upload.scratch_budget import ScratchBudget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1024 * 1024


@pytest.fixture
def file(tmp_path: Path) -> Iterator[DiskFile]:
    made = DiskFile(tmp_path / "scratch")
    yield made
    made.close()


def test_what_is_punched_takes_no_blocks_and_the_rest_stays(file: DiskFile) -> None:
    file.write(b"x" * (3 * MIB), 0)
    file.sync()
    assert file.allocated() >= 3 * MIB
    file.punch(100, 2 * MIB + 100)
    assert file.allocated() <= MIB + 2 * 4096
    assert file.size() == 3 * MIB
    assert file.read(0, 100) == b"x" * 100
    assert file.read(2 * MIB + 100, MIB) == b"x" * (MIB - 100)


def test_less_than_a_page_is_not_punched(file: DiskFile) -> None:
    file.write(b"x" * 8192, 0)
    file.punch(10, 4100)
    assert file.read(0, 8192) == b"x" * 8192


def test_where_nothing_can_be_punched_nothing_is_done() -> None:
    assert not punch_hole(-1, 0, MIB)
    assert punch_hole(-1, 1, 4096)


def test_all_files_together_are_bounded(tmp_path: Path, file: DiskFile) -> None:
    bound = ScratchBudget(3 * MIB, 0)
    other = DiskFile(tmp_path / "other")
    for each in (file, other):
        each.write(b"x" * (2 * MIB), 0)
        each.sync()
    bound.add(file)
    assert not bound.is_over
    bound.add(other)
    assert bound.is_over
    assert bound.may_start(3)
    assert not bound.may_start(4)
    bound.remove(other)
    other.close()
    assert not bound.is_over
    assert bound.may_start(100)


def test_no_more_than_half_of_what_the_disk_can_spare_is_taken(file: DiskFile) -> None:
    file.write(b"x" * MIB, 0)
    file.sync()
    all_but_little = file.disk_free() - MIB // 2
    bound = ScratchBudget(2**60, all_but_little)
    bound.add(file)
    assert bound.is_over
