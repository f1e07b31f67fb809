"""The running program with an archive of some size, for the tests of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.downloads.served import Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024 * 1024


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give an archive of 12 MiB and the service that has it."""
    with serving(tmp_path_factory.mktemp("downloads"), 12 * MIB) as archive:
        yield archive
