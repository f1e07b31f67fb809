"""The end of an archive: no hole is left, a kill loses nothing, and it is read back."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from isal.isal_zlib import crc32

from packmule.assembly.disk.disk_file import DiskFile
from packmule.assembly.done_entries import DoneEntries
from packmule.assembly.finish_local import finish
from packmule.assembly.missing import NAME, report
from packmule.errors import DiskFull, Failure, FailureCode, StorageFailed
from packmule.jobs.model import DoneEntry, FailedEntry, Source
from packmule.zipformat.headers import local_header
from packmule.zipformat.verifying import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZES = [10, 300_000, 0, 70_000, 5]


def body(position: int) -> bytes:
    return random.Random(position).randbytes(SIZES[position])


def laid(path: Path, holes: dict[int, int]) -> tuple[DiskFile, list[DoneEntry]]:
    """Lay the entries out, with a hole of so many bytes before some."""
    file = DiskFile(path)
    done = []
    at = 0
    for position in range(len(SIZES)):
        at += holes.get(position, 0)
        content, name = body(position), f"{position}.bin"
        crc, size = crc32(content), len(content)
        header = local_header(name.encode(), 0, crc, size, size, 0, zip64=False)
        file.write(header + content, at)
        done.append(DoneEntry(position, name, at, 0, crc, size, size, 0))
        at += len(header) + size
    return file, done


def finished(file: DiskFile, done: list[DoneEntry]) -> bytes:
    path, size = finish(file, DoneEntries(done), read_back=True)
    data = path.read_bytes()
    assert len(data) == size
    assert verify(lambda at, length: data[at : at + length], size).findings == ()
    return data


HOLES = [{0: 100_000}, {1: 7}, {4: 5_000_000}, {0: 1, 2: 40_000, 3: 1, 4: 4096}]


@pytest.mark.parametrize("holes", HOLES)
def test_a_hole_is_closed_and_the_bytes_are_those_of_an_archive_that_had_none(
    tmp_path: Path, holes: dict[int, int]
) -> None:
    plain, its = laid(tmp_path / "plain", {})
    holed, done = laid(tmp_path / "holed", holes)
    assert finished(holed, done) == finished(plain, its)
    plain.close()
    holed.close()


class Killed(BaseException):
    """The process ends here."""


def dying(after: int, call: Callable[..., None]) -> Callable[..., None]:
    left = [after]

    def perhaps(*arguments: object) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        call(*arguments)

    return perhaps


@pytest.mark.parametrize("method", ["copy_range", "write", "truncate"])
@pytest.mark.parametrize("after", range(4))
def test_a_kill_while_holes_are_closed_leaves_all_to_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, after: int
) -> None:
    plain, its = laid(tmp_path / "plain", {})
    wanted = finished(plain, its)
    plain.close()
    file, done = laid(tmp_path / "holed", HOLES[3])
    before = (tmp_path / "holed").read_bytes()
    with monkeypatch.context() as patch:
        real = getattr(DiskFile, method)
        patch.setattr(DiskFile, method, dying(after, real))
        try:
            finish(file, DoneEntries(done))
        except Killed:
            assert (tmp_path / "holed").read_bytes() == before
    file.close()
    again = DiskFile(tmp_path / "holed")
    assert finished(again, done) == wanted
    again.close()


def test_what_is_missing_is_the_last_entry(tmp_path: Path) -> None:
    file, done = laid(tmp_path / "a", {1: 50_000})
    source = Source(5, "https://user:word@example.org/a/b?token=secret#x")
    failed = FailedEntry(5, "", Failure(FailureCode.HTTP_STATUS, "it answers 404"))
    sources = [Source(position, "https://example.org/") for position in range(5)]
    told = report([*sources, source], [failed], done)
    assert told is not None
    path, size = finish(file, DoneEntries(done), [told], read_back=True)
    data = path.read_bytes()
    found = verify(lambda at, length: data[at : at + length], size)
    assert (found.entries, found.findings) == (6, ())
    assert NAME.encode() in data
    file.close()


def test_a_directory_that_is_not_what_was_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, done = laid(tmp_path / "a", {})
    real = DiskFile.read
    monkeypatch.setattr(
        DiskFile, "read", lambda self, at, length: real(self, at, length)[:-1] + b"?"
    )
    with pytest.raises(StorageFailed, match="read back"):
        finish(file, DoneEntries(done))
    file.close()


def test_a_damaged_body_is_refused_where_all_is_read_back_and_only_there(tmp_path: Path) -> None:
    file, done = laid(tmp_path / "a", {})
    file.write(b"?", done[1].offset + 1000)
    finish(file, DoneEntries(done))
    with pytest.raises(StorageFailed, match=r"1\.bin: its CRC-32"):
        finish(file, DoneEntries(done), read_back=True)
    file.close()


@pytest.mark.parametrize("method", ["copy_range", "write", "read"])
def test_a_disk_that_fills_while_holes_are_closed_keeps_only_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def full(*_: object) -> bytes:
        raise DiskFull("there is no room left")

    file, done = laid(tmp_path / "holed", HOLES[3])
    before = (tmp_path / "holed").read_bytes()
    monkeypatch.setattr(DiskFile, method, full)
    with pytest.raises(DiskFull):
        finish(file, DoneEntries(done))
    monkeypatch.undo()
    file.close()
    assert [path.name for path in tmp_path.iterdir()] == ["holed"]
    assert (tmp_path / "holed").read_bytes() == before
