"""The headers our entries get."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.zipformat.extras import GrowthHint, Timestamp, Zip64, actual_values, fields
from packmule.zipformat.headers import (
    central_header,
    local_header,
    local_header_size,
    needs_zip64_room,
)
from packmule.zipformat.records import (
    DEFLATED,
    MARKER_32,
    STORED,
    CentralHeader,
    FormatError,
    LocalHeader,
)
from packmule.zipformat.times import dos_time

BEFORE = MARKER_32 - 1
DATA_DESCRIPTOR = 1 << 3
NOON = 1_715_947_200

sizes = st.integers(0, 2**20) | st.integers(BEFORE, 2**40)
times = st.none() | st.integers(-(2**40), 2**40) | st.floats(-1e12, 1e12)
entry_names = st.text(min_size=1, max_size=40).map(str.encode)


def local(  # in the order of the function under test
    name: bytes = b"a",
    method: int = STORED,
    compressed: int = 5,
    size: int = 5,
    modified_at: float | None = None,
    *,
    zip64: bool = False,
) -> LocalHeader:
    return LocalHeader.unpack(
        local_header(name, method, 7, compressed, size, modified_at, zip64=zip64)
    )


def central(  # in the order of the function under test
    name: bytes = b"a",
    method: int = STORED,
    compressed: int = 5,
    size: int = 5,
    modified_at: float | None = None,
    *,
    offset: int = 0,
) -> CentralHeader:
    return CentralHeader.unpack(
        central_header(name, method, 7, compressed, size, modified_at, offset=offset)
    )


@given(
    name=entry_names,
    method=st.sampled_from([STORED, DEFLATED]),
    crc=st.integers(0, MARKER_32),
    size=sizes,
    modified_at=times,
    room=st.booleans(),
)
def test_a_local_header_is_as_long_as_was_said_before_crc_and_size_were_known(
    *, name: bytes, method: int, crc: int, size: int, modified_at: float | None, room: bool
) -> None:
    zip64 = room or size >= MARKER_32
    reserved = local_header_size(name, modified_at, zip64=zip64)
    assert len(local_header(name, method, crc, size, size, modified_at, zip64=zip64)) == reserved


@given(name=entry_names, compressed=sizes, size=sizes, modified_at=times, offset=sizes)
def test_both_headers_tell_the_same(
    *, name: bytes, compressed: int, size: int, modified_at: float | None, offset: int
) -> None:
    first = local(name, DEFLATED, compressed, size, modified_at, zip64=True)
    second = central(name, DEFLATED, compressed, size, modified_at, offset=offset)
    assert actual_values(first) == (size, compressed, 0)
    assert actual_values(second) == (size, compressed, offset)
    for field in ("flags", "method", "modified", "crc", "name"):
        assert getattr(first, field) == getattr(second, field)


def test_the_fast_local_header_is_what_the_record_types_say() -> None:
    slow = LocalHeader(20, 0x800, 8, dos_time(NOON), 7, 3, 5, "ä".encode(), Timestamp(NOON).pack())
    assert local_header("ä".encode(), 8, 7, 3, 5, NOON, zip64=False) == slow.pack()
    roomy = replace(slow, extra=GrowthHint().pack() + slow.extra)
    assert local_header("ä".encode(), 8, 7, 3, 5, NOON, zip64=True) == roomy.pack()
    wide = replace(
        slow,
        version_needed=45,
        compressed_size=MARKER_32,
        size=MARKER_32,
        extra=Zip64(2**33, 3).pack() + slow.extra,
    )
    assert local_header("ä".encode(), 8, 7, 3, 2**33, NOON, zip64=True) == wide.pack()


def test_the_fast_central_header_is_what_the_record_types_say() -> None:
    mode = 0o100644 << 16
    slow = CentralHeader(
        *(3 << 8 | 63, 10, 0, 0, dos_time(NOON), 7, 5, 5, 0, 0, mode, 99),
        name=b"a",
        extra=Timestamp(NOON).pack(),
    )
    assert central_header(b"a", 0, 7, 5, 5, NOON, offset=99) == slow.pack()
    wide = replace(
        slow, version_needed=45, offset=MARKER_32, extra=Zip64(offset=2**33).pack() + slow.extra
    )
    assert central_header(b"a", 0, 7, 5, 5, NOON, offset=2**33) == wide.pack()


def test_the_entry_is_a_regular_unix_file_of_mode_0644_without_comment() -> None:
    header = central()
    assert header.version_made_by >> 8 == 3
    assert header.external_attributes >> 16 == 0o100644
    assert (header.comment, header.disk, header.internal_attributes) == (b"", 0, 0)


@pytest.mark.parametrize("zip64", [False, True])
def test_no_header_announces_a_data_descriptor(*, zip64: bool) -> None:
    assert not local(zip64=zip64).flags & DATA_DESCRIPTOR
    assert not central().flags & DATA_DESCRIPTOR


@pytest.mark.parametrize(
    ("name", "flags"), [(b"plain.txt", 0), ("é.txt".encode(), 0x800), ("日本".encode(), 0x800)]
)
def test_bit_11_is_set_exactly_where_the_name_is_not_ascii(name: bytes, flags: int) -> None:
    assert local(name).flags == central(name).flags == flags


@pytest.mark.parametrize(
    ("name", "method", "version"),
    [(b"a", STORED, 10), (b"a", DEFLATED, 20), (b"d/a", STORED, 20), (b"d/a", DEFLATED, 20)],
)
def test_version_needed_is_the_least_that_is_true(name: bytes, method: int, version: int) -> None:
    assert local(name, method).version_needed == version
    assert central(name, method).version_needed == version


@pytest.mark.parametrize(("size", "wide"), [(BEFORE, False), (MARKER_32, True)])
def test_a_local_header_turns_zip64_exactly_at_the_marker(*, size: int, wide: bool) -> None:
    header = local(compressed=size, size=size, zip64=True)
    assert [i for i, _ in fields(header.extra)] == [0x0001 if wide else 0xA220]
    assert header.version_needed == (45 if wide else 10)
    assert (header.size == MARKER_32) is wide


def test_a_local_zip64_field_always_holds_both_sizes() -> None:
    header = local(method=DEFLATED, compressed=3, size=MARKER_32, zip64=True)
    assert header.extra == Zip64(MARKER_32, 3).pack()
    assert header.size == header.compressed_size == MARKER_32


@pytest.mark.parametrize(
    ("compressed", "size"), [(MARKER_32, BEFORE), (BEFORE, MARKER_32), (MARKER_32 + 1, 5)]
)
def test_either_size_alone_turns_a_local_header_zip64_and_needs_its_room(
    compressed: int, size: int
) -> None:
    header = local(method=DEFLATED, compressed=compressed, size=size, zip64=True)
    assert header.extra == Zip64(size, compressed).pack()
    assert (header.compressed_size, header.size) == (MARKER_32, MARKER_32)
    with pytest.raises(FormatError, match=f"{max(size, compressed)} bytes need zip64"):
        local(method=DEFLATED, compressed=compressed, size=size, zip64=False)


@pytest.mark.parametrize("value", [BEFORE, MARKER_32])
@pytest.mark.parametrize("field", ["size", "compressed", "offset"])
def test_a_central_header_gives_zip64_only_what_does_not_fit(field: str, value: int) -> None:
    values = {"size": 5, "compressed": 5, "offset": 5} | {field: value}
    header = CentralHeader.unpack(central_header(b"a", DEFLATED, 7, modified_at=None, **values))
    own = {
        "size": header.size,
        "compressed": header.compressed_size,
        "offset": header.offset,
    }
    assert own == values
    if value == BEFORE:
        assert (header.extra, header.version_needed) == (b"", 20)
    else:
        assert list(fields(header.extra)) == [(0x0001, value.to_bytes(8, "little"))]
        assert header.version_needed == 45


def test_a_size_that_needs_zip64_without_room_for_it_is_refused() -> None:
    with pytest.raises(FormatError, match="no room"):
        local_header(b"a", 0, 0, MARKER_32, MARKER_32, None, zip64=False)


@pytest.mark.parametrize(
    ("size", "method", "room"),
    [
        (None, STORED, True),
        (None, DEFLATED, True),
        (0, STORED, False),
        (BEFORE, STORED, False),
        (MARKER_32, STORED, True),
        (4_000_000_000, DEFLATED, False),
        (BEFORE, DEFLATED, True),  # deflate may make it longer
        (4_290_676_618, DEFLATED, False),  # by a thousandth
        (4_290_676_619, DEFLATED, True),
    ],
)
def test_room_for_zip64_is_kept_exactly_where_it_may_be_needed(
    *, size: int | None, method: int, room: bool
) -> None:
    assert needs_zip64_room(size, method) is room


@pytest.mark.parametrize("modified_at", [0, 1, NOON, NOON + 0.75, 2**31 - 1])
def test_a_time_that_fits_is_written_exactly(modified_at: float) -> None:
    stamp = Timestamp(int(modified_at)).pack()
    assert local(modified_at=modified_at).extra == stamp
    assert central(modified_at=modified_at).extra == stamp


@pytest.mark.parametrize("modified_at", [None, -1, -1e11, 2**31, 1e12])
def test_a_time_that_does_not_fit_is_left_to_the_dos_field(modified_at: float | None) -> None:
    second = None if modified_at is None else int(modified_at)
    for header in (local(modified_at=modified_at), central(modified_at=modified_at)):
        assert (header.extra, header.modified) == (b"", dos_time(second))


@pytest.mark.parametrize(
    "make",
    [
        lambda: local_header(bytes(2**16), 0, 0, 0, 0, None, zip64=False),
        lambda: central_header(bytes(2**16), 0, 0, 0, 0, None, offset=0),
    ],
)
def test_a_name_too_long_for_the_format_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(FormatError, match="does not fit"):
        make()
