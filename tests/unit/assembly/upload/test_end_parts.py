"""The end of an uploaded archive: holes are closed, by the store where it copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.resources import FakeResources, body
from tests.fakes.streams import MemoryStream
from tests.unit.assembly.upload.test_part_sender import MIB, contents, drained, run_of, send

from packmule.errors import Failure, FailureCode, StorageAway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def close_all() -> Iterator[list[FakeResources]]:
    """Close what the test has opened."""
    opened: list[FakeResources] = []
    yield opened
    for resources in opened:
        resources.close()


@pytest.mark.parametrize("copies", [True, False])
def test_a_hole_is_closed_by_the_store_where_it_copies(
    tmp_path: Path, close_all: list[FakeResources], *, copies: bool
) -> None:
    run = run_of(tmp_path, 3, stream=MemoryStream(MIB, copies=copies))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 2 * MIB + 17)
    broken = send(run, 1, 6 * MIB, 5 * MIB)
    broken.fetch.receiver.rest()
    drained(run, assembly)
    broken.fetch.receiver.fail(Failure(FailureCode.TRUNCATED, "the origin is gone"))
    send(run, 2, 4 * MIB)
    drained(run, assembly)
    assert len(run.stream.sent) > 8, "the hole's cells and those behind it are uploaded"
    sent = len(run.stream.sent)
    found = contents(run.finish(assembly))
    del found["_missing.txt"]
    assert found == {"0.bin": body(2 * MIB + 17, 0), "2.bin": body(4 * MIB, 2)}
    assert bool(run.stream.copied) == copies
    if copies:  # at most a part at each side of the hole, the hole's two ends, and the end
        assert len(run.stream.sent) - sent <= 5


def test_a_run_killed_while_the_store_closes_a_hole_is_taken_up_there(
    tmp_path: Path, close_all: list[FakeResources], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path, 3, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    broken = send(run, 0, 6 * MIB, 5 * MIB)
    broken.fetch.receiver.rest()
    drained(run, assembly)
    broken.fetch.receiver.fail(Failure(FailureCode.TRUNCATED, "the origin is gone"))
    for position in (1, 2):
        send(run, position, 3 * MIB)

    def die(*_: object) -> str:
        raise StorageAway("killed")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryStream, "copy", die)
        with pytest.raises(StorageAway):
            run.finish(assembly)
    assembly.close()
    run.path = tmp_path / "another.zip"
    assembly = run.begin()
    assert run.fetches() == []
    found = contents(run.finish(assembly))
    del found["_missing.txt"]
    assert found == {f"{n}.bin": body(3 * MIB, n) for n in (1, 2)}
    assert len(run.stream.copied) > 3


def test_nothing_is_copied_where_all_that_is_uploaded_lies_before_the_hole(
    tmp_path: Path, close_all: list[FakeResources]
) -> None:
    run = run_of(tmp_path, 3, stream=MemoryStream(MIB))
    close_all.append(run.resources)
    assembly = run.begin()
    send(run, 0, 2 * MIB + 17)
    broken = send(run, 1, 900_000, 800_000)
    drained(run, assembly)
    broken.fetch.receiver.fail(Failure(FailureCode.TRUNCATED, "the origin is gone"))
    send(run, 2, 300_000)
    found = contents(run.finish(assembly))
    del found["_missing.txt"]
    assert found == {"0.bin": body(2 * MIB + 17, 0), "2.bin": body(300_000, 2)}
    assert run.stream.copied == []
    assert sorted(run.stream.sent) == [1, 2, 3]
