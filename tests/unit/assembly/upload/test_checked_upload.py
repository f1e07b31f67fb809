"""Files with checksums in an archive that is uploaded meanwhile: nothing is packed unchecked."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from tests.fakes.archives import packed_files
from tests.fakes.resources import Try, body, head, settle
from tests.fakes.streams import MemoryStream
from tests.unit.assembly.upload.test_part_sender import MIB, Run, contents, drained, run_of, send

from packmule.assembly.receiving import EntryReceiver
from packmule.jobs.expected import Expected
from packmule.jobs.model import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packmule.assembly.assembly import Assembly

SIZE = 5 * MIB


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = run_of(tmp_path, 2, stream=MemoryStream(MIB), manifest=Manifest.SUMS)
    yield made
    made.resources.close()


def turns(run: Run) -> None:
    """Have what has come whole be judged, and what is the file be written."""
    for _ in range(3):
        run.resources.writer.wait()
        run.resources.loop.turn()
    run.resources.writer.wait()


def finished(run: Run, assembly: Assembly) -> dict[str, bytes]:
    settle(assembly, run.resources)
    return packed_files(contents(run.finish(assembly)), run.manifest)


def test_what_was_uploaded_meanwhile_is_told_by_the_manifest(run: Run) -> None:
    assembly = run.begin()
    send(run, 0, SIZE, 4 * MIB)
    drained(run, assembly)
    assert run.stream.sent
    send(run, 0, SIZE)
    send(run, 1, 300_000)
    assert finished(run, assembly) == {"0.bin": body(SIZE), "1.bin": body(300_000, 1)}


def test_a_file_of_which_something_was_uploaded_starts_over_in_the_next_run(run: Run) -> None:
    assembly = run.begin()
    send(run, 1, 300_000)
    send(run, 0, SIZE, 4 * MIB)
    turns(run)
    drained(run, assembly)
    assembly.close()
    assembly = run.begin()
    (fetch,) = run.fetches()
    assert fetch.receiver.kept == 0
    send(run, 0, SIZE)
    assert finished(run, assembly) == {"0.bin": body(SIZE), "1.bin": body(300_000, 1)}


def test_a_file_that_is_in_the_scratch_as_a_whole_goes_on_where_it_was(run: Run) -> None:
    run.stream.each = 16 * MIB
    assembly = run.begin()
    send(run, 0, SIZE, 4 * MIB)
    run.memory.record(assembly.stop())
    assembly.close()
    assembly = run.begin()
    assert run.fetches()[0].receiver.kept == 4 * MIB
    send(run, 0, SIZE)
    send(run, 1, 300_000)
    assert finished(run, assembly) == {"0.bin": body(SIZE), "1.bin": body(300_000, 1)}


def test_another_file_is_fetched_once_more_although_it_was_uploaded(run: Run) -> None:
    right = body(SIZE, 7)
    run.manifest = Manifest.NONE
    run.sources[0] = run.sources[0]._replace(expected=Expected(sha256(right).hexdigest()))
    assembly = run.begin()
    receiver = run.fetches()[0].receiver
    send(run, 0, SIZE)
    drained(run, assembly)
    send(run, 1, 300_000)
    turns(run)
    (queue,) = run.resources.loop.fetches
    (again,) = queue.take_everything()
    assert again.receiver is receiver
    assert receiver.kept == 0
    Try(again, right).begin(head(SIZE), 0, SIZE).send_all(run.resources.loop)
    assert finished(run, assembly) == {"0.bin": right, "1.bin": body(300_000, 1)}


@pytest.mark.parametrize("manifest", [Manifest.NONE, Manifest.BAGIT])
def test_a_file_is_not_divided_where_its_bytes_must_come_in_order(
    run: Run, manifest: Manifest
) -> None:
    run.manifest = manifest
    assembly = run.begin()
    send(run, 0, SIZE, MIB)
    receiver = run.fetches()[0].receiver
    assert isinstance(receiver, EntryReceiver)
    assert (receiver.segmented is None) == (manifest is Manifest.BAGIT)
    assembly.close()
