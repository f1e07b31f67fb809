"""At 4 GiB all agree on how long a local header is: who reserves, writes, restores, finishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from packmule.assembly import finish_local, resuming
from packmule.assembly.archive_file import ArchiveFile
from packmule.assembly.committing import Ending
from packmule.assembly.disk.blocks import Pool, Writer
from packmule.assembly.sinks.deflated import JOINED_BYTES
from packmule.jobs.model import DoneEntry
from packmule.zipformat.extras import actual_values
from packmule.zipformat.records import DEFLATED, MARKER_32, STORED, LocalHeader

if TYPE_CHECKING:
    from pathlib import Path

    from packmule.assembly.assembly import Assembly
    from packmule.assembly.receiving import EntryReceiver

LIMIT = MARKER_32
MOST_OF_DEFLATE = 1032  # times that deflate can shrink anything: 258 bytes in two bits


@pytest.mark.parametrize(
    ("method", "compressed", "size"),
    [
        (STORED, LIMIT - 1, LIMIT - 1),
        (STORED, LIMIT, LIMIT),
        (STORED, LIMIT + 1, LIMIT + 1),
        (DEFLATED, 20_000_000, LIMIT - 1),
        (DEFLATED, 20_000_000, LIMIT),
        (DEFLATED, LIMIT, LIMIT - 5),
    ],
)
def test_the_header_is_as_long_as_was_reserved(
    tmp_path: Path, method: int, compressed: int, size: int
) -> None:
    entry = DoneEntry(0, "a.txt", 0, method, 1, compressed, size, 1_700_000_000)
    ending = Ending(
        cast("Assembly", None), cast("EntryReceiver", None), entry.name, entry.modified_at
    )
    reserved = ending.header_size(max(compressed, size))
    writer = Writer()
    archive = ArchiveFile(tmp_path / "a", Pool(1), writer, tail=0, changed=lambda: None)
    archive.complete(entry)
    archive.close()
    writer.close()
    written = (tmp_path / "a").read_bytes()
    assert len(written) == reserved
    assert resuming.entry_end(entry) == reserved + compressed
    assert finish_local.as_entry(entry).end == reserved + compressed
    assert actual_values(LocalHeader.unpack(written))[:2] == (size, compressed)


def test_what_is_deflated_in_memory_is_never_of_zip64() -> None:
    assert (JOINED_BYTES + 256 * 1024) * MOST_OF_DEFLATE < MARKER_32
