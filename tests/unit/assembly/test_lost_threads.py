"""A thread that all jobs need and that is no more: the job fails, and never waits for it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest
from tests.unit.assembly.packing_bench import Bench

from packmule.assembly.compress_pool import CompressPool
from packmule.errors import PackmuleError

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 30.0


def no_memory(*_: object, **__: object) -> None:
    raise MemoryError


def test_packing_fails_when_the_writer_has_ended(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.hold("large.bin", 10)
        bench.resources.writer.close()
        with pytest.raises(PackmuleError, match="thread of this process has ended"):
            bench.resources.check()
        bench.release()


def test_compressing_goes_on_after_work_that_had_no_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.Logger, "exception", no_memory)
    pool = CompressPool(1)
    done = threading.Event()
    pool.submit("job", 10, no_memory)
    pool.submit("job", 10, done.set)
    assert done.wait(PATIENCE)
    pool.wait("job")
    pool.close()
