"""At 4 GiB all agree on how long a local header is: who reserves, writes, restores, finishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from packmule.assembly import finish_local, resuming
from packmule.assembly.archive_file import ArchiveFile
from packmule.assembly.committing import EntryCommit
from packmule.assembly.disk.blocks import Pool, Writer
from packmule.assembly.ledger import Ledger
from packmule.assembly.resources import AssemblyLimits
from packmule.assembly.scratch_file import ScratchFile
from packmule.assembly.sinks.deflated import JOINED_BYTES
from packmule.assembly.space_check import SpaceCheck
from packmule.jobs.model import DoneEntry, Remembered
from packmule.zipformat.extras import actual_values
from packmule.zipformat.records import DEFLATED, MARKER_32, STORED, LocalHeader

if TYPE_CHECKING:
    from pathlib import Path

    from packmule.assembly.committing import Committer


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
    details = EntryCommit(cast("Committer", None), 0, entry.name, entry.modified_at)
    reserved = details.header_size(max(compressed, size))
    writer = Writer()
    scratch = ScratchFile(tmp_path / "a", Pool(1), writer, on_error=lambda: None)
    space = SpaceCheck(
        tmp_path, AssemblyLimits(), is_uploaded=False, make_room=lambda _wanted, _in_all: False
    )
    ArchiveFile(scratch, Ledger(1, Remembered()), space, tail=0).complete(entry)
    scratch.close()
    writer.close()
    written = (tmp_path / "a").read_bytes()
    assert len(written) == reserved
    assert resuming.entry_end(entry) == reserved + compressed
    assert finish_local.as_entry(entry).end == reserved + compressed
    assert actual_values(LocalHeader.unpack(written))[:2] == (size, compressed)


def test_what_is_deflated_in_memory_is_never_of_zip64() -> None:
    assert (JOINED_BYTES + 256 * 1024) * MOST_OF_DEFLATE < MARKER_32
