"""The part file keeps what is right, and only that."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from packmule.client import part_file
from packmule.client.errors import DownloadFailed
from packmule.client.part_file import PartFile
from packmule.client.versions import Held, Version
from packmule.errors import UsageError

VERSION = Version(10, '"a"')
RECORD = {"hash": "h", "size": 10, "etag": '"x"', "held": [[0, 5]]}
WRONG: list[dict[str, object]] = [
    {"size": "10"}, {"size": True}, {"etag": None}, {"size": 4}, {"etag": "x"}, {"hash": "other"},
    {"etag": '"a\r\nX: y"'}, {"held": [[0, 6]]}, {"held": [[-1, 5]]}, {"held": [[5, 5]]},
    {"held": [[3, 2]]}, {"held": [[0]]}, {"held": 5}, {"held": []},
]  # fmt: skip


def opened(path: Path, hash_: str = "h", *, resume: bool = True) -> PartFile:
    part = PartFile(path, hash_)
    part.open(resume=resume)
    return part


def begun(path: Path, content: bytes, version: Version = VERSION, hash_: str = "h") -> None:
    part = opened(path, hash_)
    part.begin(version)
    part.write(0, content)
    part.record(((0, len(content)),))
    part.close()


def held(path: Path, hash_: str = "h", *, resume: bool = True) -> Held:
    part = opened(path, hash_, resume=resume)
    part.close()
    return part.held


def test_what_has_come_is_there_the_next_time(tmp_path: Path) -> None:
    begun(tmp_path / "a.zip", b"01234")
    assert held(tmp_path / "a.zip") == Held(((0, 5),), VERSION)
    assert not (tmp_path / "a.zip").exists()


def test_a_finished_archive_has_its_name_and_nothing_beside_it(tmp_path: Path) -> None:
    begun(tmp_path / "a.zip", b"01234")
    part = opened(tmp_path / "a.zip")
    part.write(5, b"56789")
    part.finish()
    part.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert (tmp_path / "a.zip").read_bytes() == b"0123456789"


def test_a_file_that_appears_meanwhile_stays_and_what_was_downloaded_is_kept(
    tmp_path: Path,
) -> None:
    part = PartFile(tmp_path / "a.zip", "h", replace=False)
    part.open(resume=True)
    part.begin(VERSION)
    part.write(0, b"0123456789")
    part.record(((0, 10),))
    (tmp_path / "a.zip").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        part.finish()
    part.close()
    assert (tmp_path / "a.zip").read_bytes() == b"precious"
    part = opened(tmp_path / "a.zip")
    assert part.held == Held(((0, 9),), VERSION)
    part.write(9, b"9")
    part.finish()
    part.close()
    assert (tmp_path / "a.zip").read_bytes() == b"0123456789"


def test_a_file_that_is_to_stay_ends_a_download_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        PartFile(tmp_path / "a.zip", "h", replace=False).open(resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_an_archive_that_a_kill_left_with_both_names_is_never_written_to(tmp_path: Path) -> None:
    begun(tmp_path / "a.zip", b"0123456789")
    (tmp_path / "a.zip").hardlink_to(tmp_path / "a.zip.part")
    begun(tmp_path / "a.zip", b"abc", Version(10, '"b"'))
    assert (tmp_path / "a.zip").read_bytes() == b"0123456789"
    assert held(tmp_path / "a.zip") == Held(((0, 3),), Version(10, '"b"'))


def test_a_part_of_another_archive_is_not_gone_on_with(tmp_path: Path) -> None:
    begun(tmp_path / "a.zip", b"01234")
    assert held(tmp_path / "a.zip", "other") == Held()


def test_whoever_does_not_want_to_resume_begins_at_nothing(tmp_path: Path) -> None:
    begun(tmp_path / "a.zip", b"01234")
    assert held(tmp_path / "a.zip", resume=False) == Held()


@pytest.mark.parametrize(
    "record",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"hash": "h", "size": 10, "etag": "\\"x\\""}',
     *(json.dumps({**RECORD, **wrong}).encode() for wrong in WRONG)],
)  # fmt: skip
def test_bytes_of_an_unknown_version_are_nothing(tmp_path: Path, record: bytes) -> None:
    begun(tmp_path / "a.zip", b"01234")
    (tmp_path / "a.zip.part.version").write_bytes(record)
    assert held(tmp_path / "a.zip") == Held()


def test_every_range_that_was_recorded_is_there_the_next_time(tmp_path: Path) -> None:
    part = opened(tmp_path / "a.zip")
    part.begin(VERSION)
    part.write(7, b"789")
    part.write(2, b"23")
    part.record(((2, 4), (7, 10)))
    part.write(0, b"0")  # which nobody recorded
    part.close()
    assert held(tmp_path / "a.zip") == Held(((2, 4), (7, 10)), VERSION)


@pytest.mark.parametrize("resume", [True, False])
def test_a_part_file_that_is_not_from_a_download_stays(tmp_path: Path, *, resume: bool) -> None:
    part = tmp_path / "a.zip.part"
    part.write_bytes(b"precious")
    with pytest.raises(UsageError, match=r"a\.zip\.part is in the way"):
        opened(tmp_path / "a.zip", resume=resume)
    assert part.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["a.zip.part", "a.zip.part.version.new"])
def test_symbolic_links_are_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / name).symlink_to(tmp_path / "precious")
    with suppress(UsageError):
        begun(tmp_path / "a.zip", b"01234")
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_a_new_version_drops_the_bytes_of_the_old_one(tmp_path: Path) -> None:
    begun(tmp_path / "a.zip", b"01234567")
    begun(tmp_path / "a.zip", b"ab", Version(3, '"b"'))
    assert held(tmp_path / "a.zip") == Held(((0, 2),), Version(3, '"b"'))
    assert (tmp_path / "a.zip.part").read_bytes() == b"ab"


def test_the_version_is_recorded_before_its_first_byte(tmp_path: Path) -> None:
    part = opened(tmp_path / "a.zip")
    part.begin(VERSION)
    record = json.loads((tmp_path / "a.zip.part.version").read_bytes())
    assert record == {"hash": "h", "size": 10, "etag": '"a"', "held": []}
    assert (tmp_path / "a.zip.part").read_bytes() == b""
    part.close()


def test_a_full_disk_leaves_no_half_written_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    part = opened(tmp_path / "a.zip")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        part.begin(VERSION)
    part.close()
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_could_not_be_synced_are_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    begun(tmp_path / "a.zip", b"012")
    part = opened(tmp_path / "a.zip")
    part.write(3, b"34")
    monkeypatch.setattr(part_file, "sync_data", broken)
    with pytest.raises(OSError, match="Input/output"):
        part.record(((0, 5),))
    part.close()
    assert held(tmp_path / "a.zip") == Held(((0, 3),), VERSION)


def test_what_another_program_has_changed_gets_no_name(tmp_path: Path) -> None:
    part = opened(tmp_path / "a.zip")
    part.begin(VERSION)
    part.write(0, b"0123456789")
    os.truncate(tmp_path / "a.zip.part", 3)
    with pytest.raises(DownloadFailed, match="another program"):
        part.finish()
    part.close()
    assert not (tmp_path / "a.zip").exists()


def test_two_downloads_do_not_write_to_one_file(tmp_path: Path) -> None:
    first = opened(tmp_path / "a.zip")
    with pytest.raises(DownloadFailed, match="Another download"):
        opened(tmp_path / "a.zip")
    first.close()
    assert held(tmp_path / "a.zip") == Held()


def test_a_killed_program_loses_nothing_of_what_it_recorded(tmp_path: Path) -> None:
    code = (
        "import os, pathlib; from packmule.client.part_file import PartFile;"
        "from packmule.client.versions import Version;"
        "part = PartFile(pathlib.Path('a.zip'), 'h'); part.open(resume=True);"
        "part.begin(Version(100000, '\"a\"'));"
        "part.write(0, b'x' * 70000); part.record(((0, 70000),));"
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert killed.returncode == -9
    assert held(tmp_path / "a.zip") == Held(((0, 70000),), Version(100000, '"a"'))


@pytest.mark.parametrize("name", ["no/such/folder/a.zip", "."])
def test_where_no_archive_can_be_put_is_said_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        opened(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(UsageError):
        opened(Path("/dev/null"))
