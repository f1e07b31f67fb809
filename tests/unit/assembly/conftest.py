"""A bench on which to pack: one origin for the tests of a file, and a folder for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.assembly.packing_bench import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def module_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


@pytest.fixture
def bench(module_bench: Bench, tmp_path: Path) -> Bench:
    module_bench.use(tmp_path)
    module_bench.origin.requests.clear()
    return module_bench
