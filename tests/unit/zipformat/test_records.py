"""The records of a ZIP archive and their bytes."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.zipformat.records import (
    CentralHeader,
    EndOfCentralDirectory,
    FormatError,
    LocalHeader,
    Zip64EndOfCentralDirectory,
    Zip64Locator,
)

Record = (
    LocalHeader | CentralHeader | EndOfCentralDirectory | Zip64EndOfCentralDirectory | Zip64Locator
)

u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
blob = st.binary(max_size=40)

LOCALS = st.builds(LocalHeader, u16, u16, u16, u32, u32, u32, u32, blob, blob)
CENTRALS = st.builds(
    CentralHeader, u16, u16, u16, u16, u32, u32, u32, u32, u16, u16, u32, u32, blob, blob, blob
)
ENDS = st.builds(EndOfCentralDirectory, u16, u32, u32, blob, u16, u16, u16)
WIDE_ENDS = st.builds(Zip64EndOfCentralDirectory, u16, u16, u64, u64, u64, u32, u32, u64)
LOCATORS = st.builds(Zip64Locator, u64, u32, u32)
RECORDS: st.SearchStrategy[Record] = st.one_of(LOCALS, CENTRALS, ENDS, WIDE_ENDS, LOCATORS)

LOCAL = LocalHeader(10, 0, 0, 0x58B1_6DE0, 0xCAFEBABE, 5, 5, b"a.txt", b"")
CENTRAL = CentralHeader(
    0x033F, 20, 0x800, 8, 0x58B1_6DE0, 0xCAFEBABE, 3, 5, 0, 0, 0o100644 << 16, 77, b"b"
)


@given(RECORDS, blob, blob)
def test_what_is_packed_unpacks_to_the_same_wherever_it_stands(
    record: Record, before: bytes, after: bytes
) -> None:
    assert type(record).unpack(before + record.pack() + after, len(before)) == record


@given(RECORDS)
def test_a_record_cut_anywhere_is_refused(record: Record) -> None:
    packed = record.pack()
    for length in range(len(packed)):
        with pytest.raises(FormatError):
            type(record).unpack(packed[:length])


@given(RECORDS, st.integers(0, 3), st.integers(1, 255))
def test_a_wrong_signature_is_refused(record: Record, at: int, change: int) -> None:
    packed = bytearray(record.pack())
    packed[at] ^= change
    with pytest.raises(FormatError, match="signature"):
        type(record).unpack(packed)


@given(st.one_of(LOCALS, CENTRALS))
def test_a_header_knows_its_length(header: LocalHeader | CentralHeader) -> None:
    assert header.packed_size == len(header.pack())


def test_a_local_header_is_these_bytes() -> None:
    assert LOCAL.pack() == bytes.fromhex(
        "504b0304 0a00 0000 0000 e06d b158 bebafeca 05000000 05000000 0500 0000 612e747874"
    )


def test_a_central_header_is_these_bytes() -> None:
    assert CENTRAL.pack() == bytes.fromhex(
        "504b0102 3f03 1400 0008 0800 e06d b158 bebafeca 03000000 05000000 0100 0000 0000 0000 0000"
        "0000a481 4d000000 62"
    )


def test_an_end_record_is_these_bytes() -> None:
    assert EndOfCentralDirectory(2, 100, 1000).pack() == bytes.fromhex(
        "504b0506 0000 0000 0200 0200 64000000 e8030000 0000"
    )


def test_a_zip64_end_record_counts_its_length_from_behind_that_field() -> None:
    packed = Zip64EndOfCentralDirectory(0x033F, 45, 70_000, 2**33, 2**34).pack()
    assert packed == bytes.fromhex(
        "504b0606 2c00000000000000 3f03 2d00 00000000 00000000 7011010000000000 7011010000000000"
        "0000000002000000 0000000004000000"
    )
    assert len(packed) - 12 == 0x2C


def test_a_zip64_locator_is_these_bytes() -> None:
    assert Zip64Locator(2**34).pack() == bytes.fromhex(
        "504b0607 00000000 0000000004000000 01000000"
    )


def test_a_zip64_end_record_shorter_than_its_fields_is_refused() -> None:
    packed = bytearray(Zip64EndOfCentralDirectory(0, 45, 1, 1, 1).pack())
    struct.pack_into("<Q", packed, 4, 43)
    with pytest.raises(FormatError, match="43 bytes"):
        Zip64EndOfCentralDirectory.unpack(packed)


@pytest.mark.parametrize(
    "make",
    [
        lambda: LocalHeader(10, 0, 0, 0, 0, 0, 2**32, b""),
        lambda: LocalHeader(10, 0, 0, 0, 0, 0, 0, bytes(2**16)),
        lambda: LocalHeader(10, 0, 0, 0, -1, 0, 0, b""),
        lambda: EndOfCentralDirectory(2**16, 0, 0),
        lambda: Zip64Locator(2**64),
    ],
)
def test_a_value_too_large_for_its_field_is_refused(make: Callable[[], Record]) -> None:
    with pytest.raises(FormatError, match="does not fit"):
        make().pack()


def test_an_error_names_the_record_and_where_it_was_looked_for() -> None:
    with pytest.raises(FormatError, match=r"central header at byte 3: 46 bytes needed, 7 there"):
        CentralHeader.unpack(bytes(10), 3)


@pytest.mark.parametrize("at", [-1, -len(LOCAL.pack()), len(LOCAL.pack()), 1000])
def test_a_place_outside_the_data_is_refused_though_it_could_be_counted_from_the_end(
    at: int,
) -> None:
    with pytest.raises(FormatError, match=f"at byte {at}: 30 bytes needed"):
        LocalHeader.unpack(LOCAL.pack(), at)


def test_records_are_read_out_of_a_memoryview_and_hold_none_of_it() -> None:
    data = bytearray(LOCAL.pack())
    read = LocalHeader.unpack(memoryview(data))
    data[-1] ^= 1
    assert read == LOCAL
