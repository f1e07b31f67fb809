"""Each attack, small. `make attacks` plays them at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.attacks.scenarios import ATTACKS
from tests.attacks.stage import Attack, Stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_does_not_get_through(attack: Attack, tmp_path: Path) -> None:
    # Timings are for `make attacks`: here, a minute notices what hangs.
    attack.play(Stage(tmp_path, health_seconds=60), attack.small)
