"""Room is made for bytes that arrive, a step at a time; what is announced costs nobody anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from packmule.assembly.disk.disk_file import DiskFile
from packmule.assembly.resources import AssemblyLimits
from packmule.assembly.space_check import LEAST_STEP, SpaceCheck
from packmule.errors import DiskFull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MORE_THAN_ANY_DISK = 2**59


class RoomMaker:
    """Remembers what it was asked for; `finds` says whether it has made room."""

    def __init__(self, *, finds: bool) -> None:
        self.asked: list[tuple[int | None, int]] = []
        self._finds = finds

    def __call__(self, wanted: int | None, in_all: int) -> bool:
        self.asked.append((wanted, in_all))
        return self._finds


@pytest.fixture
def file(tmp_path: Path) -> Iterator[DiskFile]:
    made = DiskFile(tmp_path / "scratch")
    yield made
    made.close()


def space(
    folder: Path, rooms: RoomMaker, *, reserve: int = 0, is_uploaded: bool = False
) -> SpaceCheck:
    limits = AssemblyLimits(min_free_bytes=reserve, max_archive_bytes=2**60)
    return SpaceCheck(folder, limits, is_uploaded=is_uploaded, make_room=rooms)


def test_what_fits_asks_for_no_room(file: DiskFile, tmp_path: Path) -> None:
    rooms = RoomMaker(finds=False)
    space(tmp_path, rooms).secure(1, file)
    assert not rooms.asked


def test_only_a_step_is_made_free_for_what_is_announced(file: DiskFile, tmp_path: Path) -> None:
    rooms = RoomMaker(finds=True)
    reserve = file.disk_free()  # no byte to spare
    space(tmp_path, rooms, reserve=reserve).secure(MORE_THAN_ANY_DISK, file)
    assert rooms.asked == [(reserve + LEAST_STEP, reserve + MORE_THAN_ANY_DISK)]


def test_the_step_is_as_much_as_has_arrived(file: DiskFile, tmp_path: Path) -> None:
    rooms = RoomMaker(finds=True)
    file.write(bytes(2 * LEAST_STEP), 0)
    file.sync()
    reserve = 2**50
    space(tmp_path, rooms, reserve=reserve).secure(MORE_THAN_ANY_DISK, file)
    ((wanted, _),) = rooms.asked
    assert wanted is not None
    assert 0 <= wanted - reserve - 2 * LEAST_STEP < 2**20  # the file system's own blocks


def test_while_a_step_is_free_nothing_is_asked_twice(file: DiskFile, tmp_path: Path) -> None:
    rooms = RoomMaker(finds=True)
    reserve = max(0, file.disk_free() - 2 * LEAST_STEP)
    one = space(tmp_path, rooms, reserve=reserve)
    for _ in range(2):
        one.secure(MORE_THAN_ANY_DISK, file)
    assert len(rooms.asked) == 1
    one.secure(MORE_THAN_ANY_DISK + 1, file)
    assert len(rooms.asked) == 2


def test_what_no_room_can_be_made_for_fails_early(file: DiskFile, tmp_path: Path) -> None:
    rooms = RoomMaker(finds=False)
    with pytest.raises(DiskFull) as refused:
        space(tmp_path, rooms).secure(MORE_THAN_ANY_DISK, file)
    assert (refused.value.wanted, refused.value.in_all) == (LEAST_STEP, MORE_THAN_ANY_DISK)


def test_a_hole_takes_none_of_the_disk(file: DiskFile, tmp_path: Path) -> None:
    file.truncate(2**40)
    with pytest.raises(DiskFull):
        space(tmp_path, RoomMaker(finds=False)).secure(MORE_THAN_ANY_DISK, file)


def test_no_block_is_written_into_the_reserve(tmp_path: Path) -> None:
    file = DiskFile(tmp_path / "reserved", reserve=MORE_THAN_ANY_DISK)
    try:
        with pytest.raises(DiskFull) as refused:
            file.write_block(memoryview(b"x" * 4096), 0, 4096, 0)
        with pytest.raises(DiskFull):
            file.copy_range(file, 0, 1, 0)
        assert file.size() == 0
        assert refused.value.wanted is not None
        assert refused.value.wanted > MORE_THAN_ANY_DISK
    finally:
        file.close()


def test_an_archive_that_is_uploaded_needs_no_room_for_the_whole(
    file: DiskFile, tmp_path: Path
) -> None:
    rooms = RoomMaker(finds=False)
    space(tmp_path, rooms, is_uploaded=True).secure(MORE_THAN_ANY_DISK, file)
    assert not rooms.asked


def test_an_uploaded_archive_stops_where_the_disk_has_nothing_to_spare(
    file: DiskFile, tmp_path: Path
) -> None:
    one = space(tmp_path, RoomMaker(finds=True), reserve=MORE_THAN_ANY_DISK, is_uploaded=True)
    with pytest.raises(DiskFull):
        one.secure(1, file)
