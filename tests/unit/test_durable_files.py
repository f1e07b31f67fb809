"""Durable files: locks that count, copies in each way, and names that survive."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from packmule import durable_files

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Open a source with content, and an empty target."""
    (tmp_path / "source").write_bytes(CONTENT)
    opened = [os.open(tmp_path / name, os.O_RDWR | os.O_CREAT) for name in ("source", "target")]
    yield opened[0], opened[1]
    for file in opened:
        os.close(file)


@pytest.mark.parametrize(
    "number", [None, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP]
)
@pytest.mark.parametrize(
    "where", [(0, 3_000_000, 0), (1_000_001, 1_500_000, 7), (2_999_999, 5, 100), (3_000_000, 1, 0)]
)
def test_a_range_is_copied_whether_or_not_the_kernel_does_it(
    files: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    number: int | None,
    where: tuple[int, int, int],
) -> None:
    start, length, offset = where

    def refused(*_: object) -> int:
        assert number is not None
        raise OSError(number, os.strerror(number))

    if number is not None:
        monkeypatch.setattr(os, "copy_file_range", refused)
    source, target = files
    content = CONTENT[start : start + length]
    assert durable_files.copy_range(source, start, length, target, offset) == len(content)
    assert os.pread(target, length, offset) == content


def test_an_error_that_no_other_way_mends_is_raised(
    files: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "copy_file_range", full)
    with pytest.raises(OSError, match="No space"):
        durable_files.copy_range(files[0], 0, 10, files[1], 0)


def test_a_write_that_the_kernel_takes_in_pieces_is_whole(
    files: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: real(file, data[:1000], at))
    durable_files.write_at(files[1], CONTENT[:10_500], 3)
    assert os.pread(files[1], 20_000, 3) == CONTENT[:10_500]


def test_a_locked_file_is_given_to_nobody_else_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    first = durable_files.open_locked(path)
    assert first is not None
    assert durable_files.open_locked(path) is None
    os.close(first)
    second = durable_files.open_locked(path)
    assert second is not None
    os.close(second)


def test_who_waits_for_a_lock_gets_the_file_that_is_then_at_the_path(tmp_path: Path) -> None:
    path, found = tmp_path / "x", list[int | None]()
    first = durable_files.open_locked(path)
    assert first is not None
    waiter = threading.Thread(
        target=lambda: found.append(durable_files.open_locked(path, wait=True)), daemon=True
    )
    waiter.start()
    path.unlink()
    os.close(first)
    waiter.join(60)
    (second,) = found
    assert second is not None
    assert durable_files.is_at(second, path)
    os.close(second)


def test_a_file_removed_or_replaced_between_open_and_lock_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, left = tmp_path / "x", [path_gone, path_replaced]
    real = fcntl.flock

    def lock(file: int, how: int) -> None:
        real(file, how)
        if left:
            left.pop()(path)

    monkeypatch.setattr(fcntl, "flock", lock)
    file = durable_files.open_locked(path)
    assert file is not None
    assert not left
    assert durable_files.is_at(file, path)
    os.close(file)


def path_gone(path: Path) -> None:
    path.unlink()


def path_replaced(path: Path) -> None:
    path.with_name("new").write_bytes(b"")
    path.with_name("new").replace(path)


def test_a_file_that_vanishes_while_it_is_looked_for_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, left = tmp_path / "x", [1]
    real = os.fstat

    def fstat(file: int) -> os.stat_result:
        if left:
            left.pop()
            raise FileNotFoundError(errno.ENOENT, "gone", str(path))
        return real(file)

    monkeypatch.setattr(os, "fstat", fstat)
    file = durable_files.open_locked(path)
    assert file is not None
    os.close(file)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_refused_only_where_a_lock_is_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def none_here(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", none_here)
    with pytest.raises(OSError, match=os.strerror(number)):
        durable_files.open_locked(tmp_path / "x")
    file = durable_files.open_locked(tmp_path / "x", required=False)
    assert file is not None
    os.close(file)


def test_every_folder_that_is_made_is_synced_in_the_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    real = durable_files.sync_folder

    def noted(path: Path) -> None:
        synced.append(path)
        real(path)

    monkeypatch.setattr(durable_files, "sync_folder", noted)
    durable_files.make_folder(tmp_path / "a" / "b")
    durable_files.make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "a" / "old").write_bytes(b"old")
    durable_files.rename(tmp_path / "new", tmp_path / "a" / "old")
    assert synced[-1] == tmp_path / "a"
    assert (tmp_path / "a" / "old").read_bytes() == b"new"


def test_a_name_that_is_taken_is_not_replaced_by_a_rename_of_something_new(tmp_path: Path) -> None:
    new, taken = tmp_path / "new", tmp_path / "taken"
    new.write_bytes(b"new")
    taken.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        durable_files.rename_new(new, taken)
    assert (new.read_bytes(), taken.read_bytes()) == (b"new", b"precious")
    durable_files.rename_new(new, tmp_path / "free")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["free", "taken"]


def test_where_files_have_one_name_only_a_taken_name_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    new, taken = tmp_path / "new", tmp_path / "taken"
    new.write_bytes(b"new")
    taken.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        durable_files.rename_new(new, taken)
    durable_files.rename_new(new, tmp_path / "free")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["free", "taken"]
