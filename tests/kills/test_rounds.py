"""Killed at random moments, the service completes every job it has accepted, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.kills.rounds import play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 4))]
)
def test_what_was_accepted_is_completed(seed: int, tmp_path: Path) -> None:
    assert play(seed, tmp_path / "round").problems == []
