"""Entries are found by the archive's own directory, wherever they are."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from packmule.errors import StorageFailed
from packmule.storage.interface import StoredArchive
from packmule.storage.local import LocalBytes
from packmule.web import archive_index
from packmule.web.archive_index import ArchiveIndex

if TYPE_CHECKING:
    from pathlib import Path


def stored(path: Path, files: dict[str, bytes], *, etag: str = '"1"') -> StoredArchive:
    """Write an archive with gaps before its entries, which closing holes would have moved."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in files.items():
            method = zipfile.ZIP_DEFLATED if name.endswith(".txt") else zipfile.ZIP_STORED
            archive.writestr(name, body, method)
    path.write_bytes(buffer.getvalue())
    return StoredArchive(path.stat().st_size, etag, 0.0, LocalBytes(path))


FILES = {"a.bin": b"a" * 10, "ü/b.txt": b"b" * 5000, "c.bin": b""}


def test_entries_are_numbered_in_the_order_of_the_directory(tmp_path: Path) -> None:
    archive, index = stored(tmp_path / "1.zip", FILES), ArchiveIndex()
    content = (tmp_path / "1.zip").read_bytes()
    found = [index.find(archive, number) for number in range(3)]
    assert [(each.name, each.size) for each in found] == [
        (name, len(body)) for name, body in FILES.items()
    ]
    first = found[0].part
    assert content[first.start : first.stop] == FILES["a.bin"]
    assert found[1].method == zipfile.ZIP_DEFLATED
    assert repr(index) == "<ArchiveIndex: 3 entries of 1 archives>"


def test_another_version_of_an_archive_is_looked_up_anew(tmp_path: Path) -> None:
    index = ArchiveIndex()
    assert index.find(stored(tmp_path / "1.zip", FILES), 0).name == "a.bin"
    other = stored(tmp_path / "1.zip", {"longer name.bin": b"x"}, etag='"2"')
    assert index.find(other, 0).name == "longer name.bin"


def test_archives_that_were_not_asked_for_lately_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_index, "MOST_ENTRIES", 5)
    index = ArchiveIndex()
    for number in range(3):
        index.find(stored(tmp_path / f"{number}.zip", FILES, etag=f'"{number}"'), 0)
    assert repr(index) == "<ArchiveIndex: 3 entries of 1 archives>"


def test_an_entry_past_the_end_and_a_damaged_directory_are_storage_errors(tmp_path: Path) -> None:
    archive = stored(tmp_path / "1.zip", FILES)
    with pytest.raises(StorageFailed):
        ArchiveIndex().find(archive, 3)
    (tmp_path / "1.zip").write_bytes(b"\0" * archive.size)
    with pytest.raises(StorageFailed):
        ArchiveIndex().find(archive, 0)
