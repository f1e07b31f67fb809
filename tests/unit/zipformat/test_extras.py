"""The extra fields of ZIP headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.zipformat.extras import (
    GROWTH_HINT_ID,
    TIMESTAMP_ID,
    ZIP64_ID,
    GrowthHint,
    Timestamp,
    Zip64,
    actual_values,
    fields,
    find,
)
from packmule.zipformat.records import MARKER_16, MARKER_32, CentralHeader, FormatError, LocalHeader

wide = st.none() | st.integers(0, 2**64 - 1)


def test_zip64_holds_size_before_compressed_size_before_offset_before_disk() -> None:
    assert Zip64(1, 2, 3, 4).pack() == bytes.fromhex(
        "0100 1c00 0100000000000000 0200000000000000 0300000000000000 04000000"
    )


def test_zip64_without_a_value_is_no_field_at_all() -> None:
    assert Zip64().pack() == b""


@given(wide, wide, wide, st.none() | st.integers(0, 2**32 - 1))
def test_zip64_reads_back_by_the_markers_in_the_header(
    size: int | None, compressed: int | None, offset: int | None, disk: int | None
) -> None:
    field = Zip64(size, compressed, offset, disk)
    packed = field.pack()
    read = Zip64.unpack(
        packed[4:],
        size=7 if size is None else MARKER_32,
        compressed_size=7 if compressed is None else MARKER_32,
        offset=7 if offset is None else MARKER_32,
        disk=0 if disk is None else MARKER_16,
    )
    assert read == field


def test_zip64_too_short_for_the_markers_is_refused() -> None:
    with pytest.raises(FormatError, match="too few"):
        Zip64.unpack(bytes(8), size=MARKER_32, compressed_size=MARKER_32)


@given(st.integers(-(2**31), 2**31 - 1))
def test_a_timestamp_reads_back(second: int) -> None:
    packed = Timestamp(second).pack()
    assert packed[:5] == bytes.fromhex("5554 0500 01")
    assert Timestamp.unpack(packed[4:]) == Timestamp(second)


@pytest.mark.parametrize("body", [b"", b"\x01", bytes.fromhex("02 00000000")])
def test_a_timestamp_field_without_modification_time_holds_none(body: bytes) -> None:
    assert Timestamp.unpack(body) is None


def test_a_growth_hint_is_as_long_as_a_local_zip64_field() -> None:
    packed = GrowthHint().pack()
    assert len(packed) == len(Zip64(1, 1).pack())
    assert packed == bytes.fromhex("20a2 1000 28a0 0c00") + bytes(12)


def test_a_growth_hint_too_short_for_its_head_is_refused() -> None:
    with pytest.raises(FormatError):
        GrowthHint(7).pack()


def test_the_fields_of_a_block_come_in_order() -> None:
    block = GrowthHint().pack() + Timestamp(9).pack() + Zip64(1).pack()
    assert [identifier for identifier, _ in fields(block)] == [
        GROWTH_HINT_ID,
        TIMESTAMP_ID,
        ZIP64_ID,
    ]
    assert find(block, ZIP64_ID) == (1).to_bytes(8, "little")
    assert find(block, 0x7875) is None


@pytest.mark.parametrize("block", [b"\x01", b"\x01\x00\x08", b"\x01\x00\x08\x00short"])
def test_a_block_that_ends_within_a_field_is_refused(block: bytes) -> None:
    with pytest.raises(FormatError):
        list(fields(block))


def test_a_headers_values_are_its_own_where_there_is_no_zip64() -> None:
    header = LocalHeader(10, 0, 0, 0, 0, 3, 5, b"a", Timestamp(1).pack())
    assert actual_values(header) == (5, 3, 0)


def test_a_headers_values_come_out_of_zip64_where_it_says_so() -> None:
    central = CentralHeader(
        *(0, 45, 0, 0, 0, 0, 3, MARKER_32, 0, 0, 0, MARKER_32),
        name=b"a",
        extra=Zip64(size=2**33, offset=2**34).pack(),
    )
    assert actual_values(central) == (2**33, 3, 2**34)
