import zipfile
import zlib
from pathlib import Path

import pytest
from bench.check import check_archive
from bench.data import DataSet, provide
from bench.measure import RunError
from bench.works import Files


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    return provide(Files(3, 5000), tmp_path)


def archive_of(data: DataSet, path: Path, change: bytes | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for source in data.paths:
            archive.writestr(source.name, source.read_bytes() if change is None else change)
    return path


def test_files_are_all_different_and_incompressible(data: DataSet) -> None:
    bodies = [path.read_bytes() for path in data.paths]
    assert len(set(bodies)) == 3
    assert all(len(body) == 5000 and len(zlib.compress(body)) > 5000 for body in bodies)


def test_data_are_made_once(data: DataSet) -> None:
    before = [path.read_bytes() for path in data.paths]
    again = provide(data.files, data.folder.parent)
    assert [path.read_bytes() for path in again.paths] == before
    assert again.crcs == data.crcs


def test_a_right_archive_passes(data: DataSet, tmp_path: Path) -> None:
    check_archive(archive_of(data, tmp_path / "out.zip"), data, bodies=True)


def test_other_bodies_of_the_same_size_are_wrong(data: DataSet, tmp_path: Path) -> None:
    archive = archive_of(data, tmp_path / "out.zip", bytes(5000))
    with pytest.raises(RunError, match="is not the file of that name"):
        check_archive(archive, data, bodies=False)


def test_a_byte_that_changed_is_found_where_bodies_are_read(data: DataSet, tmp_path: Path) -> None:
    archive = archive_of(data, tmp_path / "out.zip")
    content = bytearray(archive.read_bytes())
    content[1000] ^= 1
    archive.write_bytes(content)
    with pytest.raises(RunError, match="broken"):
        check_archive(archive, data, bodies=True)


def test_a_missing_entry_is_wrong(data: DataSet, tmp_path: Path) -> None:
    fewer = DataSet(Files(4, 5000), data.folder, data.crcs)
    with pytest.raises(RunError, match="3 entries instead of 4"):
        check_archive(archive_of(data, tmp_path / "out.zip"), fewer, bodies=False)


def test_no_archive_at_all_is_a_failure(data: DataSet, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no archive"):
        check_archive(tmp_path / "out.zip", data, bodies=False)
