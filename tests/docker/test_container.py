"""The image is built and keeps its promises: where an engine answers, or root may start one.

It takes minutes, and downloads a Debian. `make docker-test` does the same alone.
"""

from __future__ import annotations

import pytest
from tests.docker.engine import NoEngine
from tests.docker.promises import PROMISES
from tests.docker.world import world


@pytest.mark.long
@pytest.mark.needs("docker", "dockerd", "docker-compose", "debootstrap", "ip")
@pytest.mark.timeout(900)
def test_the_image_keeps_its_promises(free_port: int) -> None:
    try:
        with world(free_port) as where:
            for promise in PROMISES:
                promise(where)
    except NoEngine as error:
        # A sandbox may forbid it: no fault of the image, and not to be mended by installing.
        pytest.skip(f"needs an engine: {error}")
