"""Storage in a directory: what is synced when, and what the system's refusals are called."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from packmule.errors import DiskFull, StorageFailed
from packmule.storage.local import LocalStorage

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "0f" * 16


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "data")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write down each sync (by the name of what is synced) and each rename, in their order."""
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(descriptor: int) -> None:
        steps.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noted_rename(path: Path, target: Path) -> Path:
        steps.append(f"rename {path.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    return steps


def refuse(number: int) -> Callable[..., None]:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/srv/secret/path")

    return refused


def write(storage: LocalStorage, key: str = KEY) -> Path:
    with storage.claim(key, 1, ()) as scratch:
        scratch.write_bytes(b"PK")
    return scratch


def test_keys_are_spread_over_folders_of_their_first_two_digits(
    storage: LocalStorage, tmp_path: Path
) -> None:
    scratch = write(storage)
    assert scratch == tmp_path / "data/scratch/0f" / f"{KEY}.1.zip"
    assert storage.publish(KEY, 1, scratch).path == tmp_path / "data/archives/0f" / f"{KEY}.zip"


def test_a_file_is_synced_before_its_rename_and_both_folders_after(
    storage: LocalStorage, steps: list[str]
) -> None:
    storage.publish("0f" * 8, 1, write(storage, "0f" * 8))
    scratch = write(storage)
    steps.clear()
    storage.publish(KEY, 1, scratch)
    assert steps == [f"sync {KEY}.1.zip", f"rename {KEY}.1.zip", "sync 0f", "sync 0f"]


def test_a_folder_that_is_made_is_synced_into_the_one_above(
    storage: LocalStorage, steps: list[str], tmp_path: Path
) -> None:
    write(storage)
    assert steps == [f"sync {tmp_path.name}", "sync data", "sync scratch"]


def test_confirming_makes_the_rename_durable(storage: LocalStorage, steps: list[str]) -> None:
    storage.publish(KEY, 1, write(storage))
    steps.clear()
    storage.confirm(KEY, 2)
    assert steps == ["sync 0f", "sync 0f"]


def test_removing_is_durable(storage: LocalStorage, steps: list[str]) -> None:
    storage.publish(KEY, 1, write(storage))
    steps.clear()
    storage.remove(KEY)
    assert steps == ["sync 0f", "sync 0f"]


def test_a_copy_is_synced_before_it_has_its_name(storage: LocalStorage, steps: list[str]) -> None:
    with storage.claim(KEY, 1, ()) as held:
        held.write_bytes(b"PK")
        steps.clear()
        with storage.claim(KEY, 2, ((0, 2),)):
            assert steps == [f"sync {KEY}.2.zip.copy", f"rename {KEY}.2.zip.copy", "sync 0f"]


def test_an_entity_tag_survives_a_copy_that_keeps_times(
    storage: LocalStorage, tmp_path: Path
) -> None:
    archive = storage.publish(KEY, 1, write(storage))
    copy = tmp_path / "restored/archives/0f" / f"{KEY}.zip"
    copy.parent.mkdir(parents=True)
    assert archive.path is not None
    copy.write_bytes(archive.path.read_bytes())
    status = archive.path.stat()
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    restored = LocalStorage(tmp_path / "restored").find(KEY)
    assert restored is not None
    assert restored.etag == archive.etag


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_is_disk_full(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    scratch = write(storage)
    monkeypatch.setattr(os, "fsync", refuse(number))
    with pytest.raises(DiskFull, match="disk is full"):
        storage.publish(KEY, 1, scratch)
    assert storage.find(KEY) is None


def test_another_refusal_is_a_storage_failure_with_its_reason_but_no_path(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = write(storage)
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    with pytest.raises(StorageFailed, match=r"Input/output error\.$") as caught:
        storage.publish(KEY, 1, scratch)
    assert "/srv" not in str(caught.value)


def test_a_data_directory_that_cannot_be_written_fails_its_check(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFailed, match="cannot be written"):
        LocalStorage(tmp_path / "file" / "data").check()


def test_a_check_that_fails_leaves_nothing(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    storage.check()
    monkeypatch.setattr(os, "fsync", refuse(errno.ENOSPC))
    with pytest.raises(DiskFull):
        storage.check()
    assert list((tmp_path / "data").iterdir()) == []
