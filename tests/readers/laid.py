"""Archives laid out through zipformat, where an origin could not bring them about in a test's time.

Owns the layouts: deflated bodies, kept room, an order of the directory that is not that of the
bytes, tens of thousands of entries, bodies of gigabytes that are mostly holes in a sparse file.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tests.readers.bodies import ZEROS, Body, Truth, noise, prose

from packmule.zipformat.layout import Entry, central_directory
from packmule.zipformat.records import DEFLATED, MARKER_32, STORED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

A_SECOND = 1_717_243_696  # 2024-06-01 12:08:16
FLUSH_EVERY = 1 << 20
HOLE = 1 << 16  # zeros of at least this length are left out of the file


def lay(
    truth: Truth,
    archive: Path,
    *,
    method: int = STORED,
    room: bool = False,
    order: Sequence[str] | None = None,
    modified_at: int | None = A_SECOND,
) -> Truth:
    """Write an archive of these bodies; with `order`, their bytes lie in the order of those names.

    `room` keeps room for a zip64 field in each local header, as for a body of unknown length.
    """
    entries: dict[str, Entry] = {}
    with archive.open("wb") as file:
        for name in order or truth:
            offset = file.tell()
            body = truth[name]
            packed = Body.of(b"".join(deflated(body))) if method == DEFLATED else body
            entry = Entry(
                name.encode(), method, body.crc, packed.size, body.size, offset, modified_at,
                zip64_room=room or max(packed.size, body.size) >= MARKER_32,
            )  # fmt: skip
            file.write(entry.local_header())
            for piece in packed.pieces():
                if is_hole(piece):
                    file.seek(len(piece), 1)
                else:
                    file.write(piece)
            entries[name] = entry
        start = file.tell()
        file.writelines(central_directory([entries[name] for name in truth], start))
    return truth


def is_hole(piece: bytes | memoryview) -> bool:
    """Tell a run of zeros that is long enough to be left out of a file."""
    return len(piece) >= HOLE and piece == ZEROS[: len(piece)]


def deflated(body: Body) -> Iterator[bytes]:
    """Compress a body into blocks that are joined by full flushes, one a MiB."""
    deflate = zlib.compressobj(level=1, wbits=-15)
    since = 0
    for piece in body.pieces():
        yield deflate.compress(piece)
        since += len(piece)
        if since >= FLUSH_EVERY:
            yield deflate.flush(zlib.Z_FULL_FLUSH)
            since = 0
    yield deflate.flush()


def of(files: Iterable[tuple[str, bytes]]) -> Truth:
    """Give the truth of bytes at hand."""
    return {name: Body.of(body) for name, body in files}


MIXED = of([
    ("text.txt", prose(200_000)),
    ("one byte.txt", b"x"),
    ("folder/noise.bin", noise(300_000)),
    ("日本語.html", prose(3_000_000)),
    ("zeros.bin", bytes(2_500_000)),
])  # fmt: skip


def deflated_entries(archive: Path) -> Truth:
    """Deflated bodies, in several flushed blocks where they are long."""
    return lay(MIXED, archive, method=DEFLATED)


def kept_room(archive: Path) -> Truth:
    """Room for zip64 in each local header, a growth hint in its place: what was feared was not."""
    return lay(MIXED | of([("empty.txt", b"")]), archive, room=True)


def kept_room_deflated(archive: Path) -> Truth:
    """The same with deflated bodies."""
    return lay(MIXED, archive, room=True, method=DEFLATED)


def directory_order(archive: Path) -> Truth:
    """A central directory that runs against the order of the bytes."""
    files = of((f"{n:02}/{n * 37 % 50}.bin", noise(n * 100, seed=n)) for n in range(50))
    return lay(files, archive, order=list(reversed(files)))


def many(count: int, archive: Path) -> Truth:
    """So many small entries in folders of a thousand."""
    files = of((f"{n // 1000:02}/{n}.txt", b"%d\n" % n * (n % 3)) for n in range(count))
    return lay(files, archive)


def large(size: int, archive: Path, *, method: int = STORED) -> Truth:
    """One entry of `size` bytes between two small ones: the last lies behind 4 GiB, if stored."""
    files = {
        "before.txt": Body.of(b"in front\n"),
        "large.bin": Body.sparse(size),
        "behind/last.txt": Body.of(b"behind\n"),
    }
    return lay(files, archive, method=method)
