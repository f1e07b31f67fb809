"""Killed at random moments, the service still tells every end, to a receiver that fails half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.kills.webhooks import play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_message_is_delivered(tmp_path: Path) -> None:
    said = play(24, 1, tmp_path)
    assert said.problems == []
    assert said.delivered == said.messages == 24
