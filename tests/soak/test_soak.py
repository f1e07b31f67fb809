"""Whoever is killed while sources are in trouble: every job is right, and nothing is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.soak.soaking import play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_soak_loses_nothing_and_leaves_nothing_over(tmp_path: Path) -> None:
    said = play(7.0, tmp_path, kill_every=2.0)
    assert said.problems == []
    assert said.right == said.jobs > 0
    assert said.kills > 0
