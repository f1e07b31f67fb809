"""A large archive through little scratch: the small run of `make s3-large`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.s3_large.run import MOST_MEMORY, play

if TYPE_CHECKING:
    from pathlib import Path

MB = 1_000_000


@pytest.mark.long
@pytest.mark.timeout(400)
def test_an_archive_goes_through_a_fraction_of_its_size_of_scratch(tmp_path: Path) -> None:
    figures = play(400 * MB, tmp_path / "run", most_scratch=50 * MB)
    assert figures.problems == []
    assert figures.size > 400 * MB
    assert figures.scratch < 200 * MB
    assert figures.memory < MOST_MEMORY
