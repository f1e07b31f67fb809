"""Archives made of our records, read by Python's zipfile."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.zipformat.headers import needs_zip64_room
from packmule.zipformat.layout import Entry, central_directory, check
from packmule.zipformat.records import DEFLATED, MARKER_32, STORED

ZIP64_END = b"PK\x06\x06"


def laid_out(files: Sequence[tuple[str, bytes, int | None, int]]) -> tuple[list[Entry], bytes]:
    """Lay out (name, body, modified at, method) side by side."""
    entries, data = [], bytearray()
    for name, body, modified_at, method in files:
        packed = body
        if method == DEFLATED:
            deflate = zlib.compressobj(wbits=-15)
            packed = deflate.compress(body) + deflate.flush()
        entry = Entry(
            name.encode(), method, zlib.crc32(body), len(packed), len(body), len(data), modified_at
        )
        data += entry.local_header() + packed
        entries.append(entry)
    return entries, bytes(data)


def archive(files: Sequence[tuple[str, bytes, int | None, int]]) -> bytes:
    entries, data = laid_out(files)
    return data + b"".join(central_directory(entries, len(data)))


def sparse(path: Path, entries: Sequence[Entry]) -> Path:
    """Write headers and directory, and leave the bodies to be holes in the file: all zeros."""
    end = max(entry.end for entry in entries)
    assert check(entries, end) == []
    with path.open("wb") as file:
        for entry in entries:
            file.seek(entry.offset)
            file.write(entry.local_header())
        file.seek(end)
        file.writelines(central_directory(entries, end))
    return path


def stored_zeros(name: str, size: int, offset: int = 0) -> Entry:
    crc = zlib.crc32(bytes(size)) if size < 2**20 else 0
    room = needs_zip64_room(size)
    return Entry(name.encode(), STORED, crc, size, size, offset, None, zip64_room=room)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
                lambda name: "\\" not in name
            ),
            st.binary(max_size=300),
            st.none() | st.integers(-(2**33), 2**33),
            st.sampled_from([STORED, DEFLATED]),
        ),
        unique_by=lambda file: file[0],
        max_size=6,
    )
)
def test_every_name_and_byte_reads_back_in_order(
    files: list[tuple[str, bytes, int | None, int]],
) -> None:
    with zipfile.ZipFile(io.BytesIO(archive(files))) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [name for name, *_ in files]
        assert [opened.read(name) for name in opened.namelist()] == [body for _, body, *_ in files]


def test_an_archive_of_nothing_is_a_valid_archive() -> None:
    with zipfile.ZipFile(io.BytesIO(archive([]))) as opened:
        assert opened.namelist() == []


def test_an_empty_file_is_an_entry() -> None:
    with zipfile.ZipFile(io.BytesIO(archive([("empty", b"", None, STORED)]))) as opened:
        assert opened.read("empty") == b""


def test_the_same_input_gives_the_same_bytes() -> None:
    files = [("ä/b.txt", b"x" * 99, 1_700_000_000, DEFLATED), ("c", b"", None, STORED)]
    assert archive(files) == archive(files)


@pytest.mark.parametrize(
    ("modified_at", "read"),
    [
        (None, (1980, 1, 1, 0, 0, 0)),
        (-86_400, (1980, 1, 1, 0, 0, 0)),
        (0, (1980, 1, 1, 0, 0, 0)),
        (315_532_800, (1980, 1, 1, 0, 0, 0)),
        (951_827_696, (2000, 2, 29, 12, 34, 56)),
        (4_354_819_199, (2107, 12, 31, 23, 59, 58)),
        (2**40, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_any_time_gives_a_date_that_reads(modified_at: int | None, read: tuple[int, ...]) -> None:
    with zipfile.ZipFile(io.BytesIO(archive([("a", b"", modified_at, STORED)]))) as opened:
        assert opened.getinfo("a").date_time == read


def test_room_that_was_kept_and_not_needed_disturbs_nobody() -> None:
    (entry,), _ = laid_out([("a", b"body", 1, STORED)])
    roomy = entry._replace(zip64_room=True)
    data = roomy.local_header() + b"body"
    data += b"".join(central_directory([roomy], len(data)))
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.read("a") == b"body"
        assert opened.getinfo("a").extract_version == 10


@pytest.mark.parametrize(
    "count",
    [
        65_534,
        65_535,
        pytest.param(65_536, marks=pytest.mark.long),
        pytest.param(70_000, marks=pytest.mark.long),
    ],
)
def test_an_archive_of_so_many_entries_reads_back(count: int) -> None:
    data = archive([(f"{index:x}", b"", None, STORED) for index in range(count)])
    assert (ZIP64_END in data) is (count >= 65_535)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert len(opened.namelist()) == count
        assert opened.read(f"{count - 1:x}") == b""


@pytest.mark.parametrize("size", [MARKER_32 - 1, MARKER_32, MARKER_32 + 1, 5 * 2**30])
def test_an_entry_of_that_size_reads_back_with_what_lies_behind_it(
    tmp_path: Path, size: int
) -> None:
    large = stored_zeros("large", size)
    after = stored_zeros("after", 1000, large.end)
    with zipfile.ZipFile(sparse(tmp_path / "a.zip", [large, after])) as opened:
        info = opened.getinfo("large")
        assert (info.file_size, info.compress_size, info.header_offset) == (size, size, 0)
        assert info.extract_version == (45 if size >= MARKER_32 else 10)
        with opened.open("large") as body:
            assert body.read(4096) == bytes(4096)
        assert opened.getinfo("after").header_offset == large.end
        assert opened.read("after") == bytes(1000)


@pytest.mark.parametrize("offset", [MARKER_32 - 1, MARKER_32, MARKER_32 + 1])
def test_an_entry_at_that_offset_reads_back(tmp_path: Path, offset: int) -> None:
    first = stored_zeros("first", offset - 35)
    assert first.end == offset
    after = stored_zeros("after", 1000, offset)
    path = sparse(tmp_path / "a.zip", [first, after])
    with zipfile.ZipFile(path) as opened:
        info = opened.getinfo("after")
        assert (info.header_offset, info.extract_version) == (
            offset,
            45 if offset >= MARKER_32 else 10,
        )
        assert opened.read("after") == bytes(1000)


@pytest.mark.parametrize("start", [MARKER_32 - 1, MARKER_32])
def test_a_directory_at_that_offset_reads_back(tmp_path: Path, start: int) -> None:
    entry = stored_zeros("a", start - 31)
    path = sparse(tmp_path / "a.zip", [entry])
    with path.open("rb") as file:
        file.seek(start)
        assert (ZIP64_END in file.read()) is (start >= MARKER_32)
    with zipfile.ZipFile(path) as opened:
        assert (opened.start_dir, opened.namelist()) == (start, ["a"])
