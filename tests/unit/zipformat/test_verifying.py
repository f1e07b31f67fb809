"""What is wrong with an archive is found, and what is only unusual is no fault."""

from __future__ import annotations

import io
import random
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.zipformat.records import FormatError
from packmule.zipformat.verifying import VerifyReport, verify


class Pipe(io.RawIOBase):
    """A file that cannot seek, so that zipfile writes data descriptors."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.data += piece
        return len(piece)


def checked(data: bytes, *, quick: bool = False) -> VerifyReport:
    return verify(lambda at, length: data[at : at + length], len(data), quick=quick)


def made(method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("a.txt", b"first " * 500)
        archive.writestr("empty", b"")
        archive.writestr("b/\u00e9.bin", random.Random(1).randbytes(3000))
        archive.comment = comment
    return out.getvalue()


def kinds(report: VerifyReport) -> set[str]:
    return {each.kind for each in report.faults}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_right_archive_has_no_finding(method: int) -> None:
    report = checked(made(method))
    assert (report.entries, report.findings) == (3, ())


def test_an_empty_archive_is_right() -> None:
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    assert checked(out.getvalue()).findings == ()


def test_data_descriptors_comments_and_other_methods_are_notes() -> None:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"x" * 3_000_000)
        archive.writestr("b", b"y" * 10, zipfile.ZIP_BZIP2)
        archive.comment = b"hello"
    report = checked(bytes(pipe.data))
    assert report.faults == ()
    assert {each.kind for each in report.findings} == {"data-descriptor", "comment", "method"}


def test_what_stands_before_an_archive_is_a_note_wherever_its_offsets_begin() -> None:
    data = made()
    report = checked(b"#!/bin/sh\nexit\n" + data)
    assert [(each.kind, each.is_fault) for each in report.findings] == [("prefix", False)]


def test_a_changed_byte_of_a_body_is_found_unless_it_is_quick() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        data = bytearray(made(method))
        data[data.index(b"\xc3\xa9.bin") + 500] ^= 1
        (fault,) = checked(bytes(data)).faults
        assert (fault.kind, fault.name) == ("body", "b/\u00e9.bin")
        assert checked(bytes(data), quick=True).faults == ()


def test_what_follows_the_end_is_found() -> None:
    (fault,) = checked(made() + b"more").faults
    assert (fault.kind, fault.at) == ("trailing-bytes", len(made()))


@pytest.mark.parametrize(
    ("field", "kind"),
    [(0, "local-header"), *((field, "headers-differ") for field in (8, 14, 18, 22, 30))],
)
def test_a_local_header_that_says_something_else_is_found(field: int, kind: str) -> None:
    data = bytearray(made())
    data[field] ^= 1
    assert kind in kinds(checked(bytes(data), quick=True))


def test_a_name_twice_is_found() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    assert kinds(checked(out.getvalue())) == {"duplicate"}


def moved(data: bytes, at: int, filler: bytes) -> bytes:
    """Insert bytes, and have the directory know where all is."""
    end = data.rindex(b"PK\5\6")
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    out = bytearray(data[:at] + filler + data[at:])
    head = start + len(filler)
    while out[head : head + 4] == b"PK\1\2":
        offset = int.from_bytes(out[head + 42 : head + 46], "little")
        if offset >= at:
            out[head + 42 : head + 46] = (offset + len(filler)).to_bytes(4, "little")
        lengths = [int.from_bytes(out[head + k : head + k + 2], "little") for k in (28, 30, 32)]
        head += 46 + sum(lengths)
    end += len(filler)
    out[end + 16 : end + 20] = (start + len(filler)).to_bytes(4, "little")
    return bytes(out)


def test_a_gap_between_entries_or_before_the_directory_is_found() -> None:
    data = made()
    second = data.index(b"PK\3\4", 10)
    start = data.index(b"PK\1\2")
    for at in (second, start):
        (fault,) = checked(moved(data, at, b"\0" * 7)).faults
        assert (fault.kind, fault.at) == ("gap", at)


def test_two_entries_that_share_their_bytes_are_found() -> None:
    data = bytearray(made())
    first = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", first + 4)
    data[second + 42 : second + 46] = bytes(4)
    assert "overlap" in kinds(checked(bytes(data)))


def test_an_entry_behind_the_directory_is_a_fault_and_no_crash() -> None:
    data = bytearray(made())
    first = data.index(b"PK\1\2")
    data[first + 42 : first + 46] = b"\xfe\xff\xff\xff"
    assert kinds(checked(bytes(data))) == {"local-header"}


def test_a_count_that_differs_is_found() -> None:
    data = bytearray(made())
    data[data.rindex(b"PK\5\6") + 10] = 7
    assert kinds(checked(bytes(data))) == {"directory"}


@pytest.mark.parametrize("data", [b"", b"PK", b"hello" * 100, made()[:-30]])
def test_what_is_no_archive_is_not_readable(data: bytes) -> None:
    with pytest.raises(FormatError):
        checked(data)


@given(st.data())
def test_no_damage_makes_it_crash(data: st.DataObject) -> None:
    whole = made(zipfile.ZIP_DEFLATED)
    at = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255))
    damaged = whole[:at] + bytes([value]) + whole[at + 1 :]
    try:
        checked(damaged)
    except FormatError:
        return


@given(st.integers(0, 400))
def test_a_cut_archive_is_never_right(cut: int) -> None:
    whole = made()
    if not cut:
        return
    try:
        assert checked(whole[:-cut]).faults
    except FormatError:
        return


def test_a_body_that_inflates_to_more_than_it_says_is_not_inflated_to_its_end() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(50_000_000))
    data = bytearray(out.getvalue())
    data[22:26] = (10).to_bytes(4, "little")
    first = data.index(b"PK\1\2")
    data[first + 24 : first + 28] = (10).to_bytes(4, "little")
    (fault,) = checked(bytes(data)).faults
    assert "longer than the 10 bytes" in fault.detail
