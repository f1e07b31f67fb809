"""What is in an archive, read by Python's zipfile, and whether its bytes have no gap."""

from __future__ import annotations

import re
import zipfile
from hashlib import sha256
from typing import TYPE_CHECKING

from packmule.jobs.model import Manifest
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


def packed_files(bodies: dict[str, bytes], manifest: Manifest) -> dict[str, bytes]:
    """Return the caller's files of an archive, having checked what its manifest says of them."""
    if manifest is Manifest.NONE:
        return bodies
    if manifest is Manifest.SUMS:
        _check_sums(bodies, bodies.pop("SHA256SUMS"))
        del bodies["sources.csv"]
        return bodies
    (base,) = {name.partition("/")[0] for name in bodies}
    bag = {name.removeprefix(f"{base}/"): body for name, body in bodies.items()}
    payload = {name: body for name, body in bag.items() if name.startswith("data/")}
    _check_bag(bag, payload)
    return {name.removeprefix("data/"): body for name, body in payload.items()}


def _check_sums(files: dict[str, bytes], sums: bytes) -> None:
    """Check lines of `sha256sum`: each file has one, and each line is right."""
    lines = [line.split("  ", 1) for line in sums.decode().splitlines()]
    told = {name.replace("%25", "%"): digest for digest, name in lines}
    assert len(told) == len(lines)
    assert told == {name: sha256(body).hexdigest() for name, body in files.items()}


def _check_bag(bag: dict[str, bytes], payload: dict[str, bytes]) -> None:
    """Check what RFC 8493 asks of a complete and valid bag (section 3), and its SHOULDs."""
    assert bag["bagit.txt"] == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    info = dict(line.split(": ", 1) for line in bag["bag-info.txt"].decode().splitlines())
    size = sum(map(len, payload.values()))
    assert info["Payload-Oxum"] == f"{size}.{len(payload)}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", info["Bagging-Date"])
    _check_sums(payload, bag["manifest-sha256.txt"])
    tags = {name: body for name, body in bag.items() if name not in payload}
    _check_sums(tags, tags.pop("tagmanifest-sha256.txt"))
