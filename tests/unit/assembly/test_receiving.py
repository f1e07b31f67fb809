"""A source's way into the archive lets go of what it no longer needs."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from tests.fakes.resources import FakeResources, Try, body, head

from packmule.assembly.assembly import Assembly
from packmule.assembly.committing import EntryCommit
from packmule.assembly.sinks.memory import MemorySink
from packmule.jobs.model import Remembered, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Run without the collector of cycles, as `packmule pack` nearly does."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_a_whole_body_is_let_go_at_once(tmp_path: Path) -> None:
    resources = FakeResources()
    source = Source(0, "http://127.0.0.1:8000/a.jpg")
    assembly = Assembly([source], Remembered(), tmp_path / "a.zip", resources.real)
    assembly.start()
    (fetches,) = resources.loop.fetches.values()
    Try(fetches[0], body(10_000)).begin(head(10_000), 0, 10_000).send_all(resources.loop)
    assert [each for each in gc.get_objects() if isinstance(each, MemorySink | EntryCommit)] == []
    assembly.close()
    resources.close()


def test_the_state_of_a_body_and_its_archive_is_told_in_one_line(tmp_path: Path) -> None:
    resources = FakeResources()
    source = Source(0, "http://127.0.0.1:8000/a.jpg")
    assembly = Assembly([source], Remembered(), tmp_path / "a.zip", resources.real)
    assembly.start()
    (fetches,) = resources.loop.fetches.values()
    receiver = fetches[0].receiver
    assert repr(receiver) == "<EntryReceiver 0: no sink, 0 bytes>"
    Try(fetches[0], body(300_000)).begin(head(300_000), 0, 300_000).run(resources.loop, 100)
    assert repr(receiver) == "<EntryReceiver 0: PlacedSink, 100 bytes>"
    assert repr(assembly) == (
        "<Assembly <Ledger of 1: 0 done, 0 failed, 1 open, 1 in place, 0 on hold, recorded 0+0> "
        "<ScratchFile a.zip: open, 0 spools>>"
    )
    assembly.close()
    resources.close()
