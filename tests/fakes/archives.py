"""What is in an archive, read by Python's zipfile, and whether its bytes have no gap."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from packmule.zipformat.extras import actual_values
from packmule.zipformat.records import (
    LOCAL,
    CentralHeader,
    EndOfCentralDirectory,
    LocalHeader,
)

if TYPE_CHECKING:
    from pathlib import Path


def contents(path: Path) -> dict[str, bytes]:
    """Read every entry; zipfile compares each CRC."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert len(set(names)) == len(names)
        return {name: archive.read(name) for name in names}


def covered(path: Path) -> list[tuple[int, int]]:
    """List the ranges that entries, directory and end record fill, in their order.

    For archives without zip64 end records.
    """
    data = path.read_bytes()
    end_at = data.rindex(b"PK\5\6")
    end = EndOfCentralDirectory.unpack(data, end_at)
    ranges = [
        (end.directory_offset, end.directory_offset + end.directory_size),
        (end_at, end_at + 22 + len(end.comment)),
    ]
    at = end.directory_offset
    for _ in range(end.entries):
        central = CentralHeader.unpack(data, at)
        at += central.packed_size
        size, compressed, offset = actual_values(central)
        local = LocalHeader.unpack(data[offset : offset + LOCAL.size + 2000])
        assert (local.name, local.method, local.crc) == (central.name, central.method, central.crc)
        assert actual_values(local)[:2] == (size, compressed)
        ranges.append((offset, offset + local.packed_size + compressed))
    assert at == end.directory_offset + end.directory_size
    return sorted(ranges)


def gaps(path: Path) -> list[tuple[int, int]]:
    """List where bytes belong to nothing, or to two things."""
    found = []
    at = 0
    for begin, stop in covered(path):
        if begin != at:
            found.append((at, begin))
        at = stop
    size = path.stat().st_size
    if at != size:
        found.append((at, size))
    return found
