"""The container survives each attack with 512 MB of memory, at full size. It takes minutes."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.attacks.contained import ContainedService
from tests.attacks.scenarios import ATTACKS
from tests.attacks.stage import Stage
from tests.docker.engine import NoEngine, engine
from tests.docker.world import base_of, build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
@pytest.mark.needs("docker", "dockerd", "debootstrap", "ip")
@pytest.mark.timeout(3600)
def test_a_container_of_512_mb_survives_each_attack(tmp_path: Path) -> None:
    try:
        with engine() as running:
            image = f"packmule-{uuid.uuid4().hex[:8]}"
            build(running, image, on=base_of(running, image))
            for number, attack in enumerate(ATTACKS):
                if not attack.only_without_container:
                    folder = tmp_path / str(number)
                    folder.mkdir()
                    program = partial(ContainedService, running, image)
                    attack.play(Stage(folder, 60, program), attack.full)
    except NoEngine as error:
        # A sandbox may forbid it: no fault of the image, and not to be mended by installing.
        pytest.skip(f"needs an engine: {error}")
