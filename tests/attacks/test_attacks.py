"""Each attack, small. `make attacks` plays them at full size, each on a service of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.attacks.scenarios import ATTACKS
from tests.attacks.stage import USUAL_SETTINGS, Attack, Stage
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Timings are for `make attacks`: here, a minute notices what hangs.
HEALTH_SECONDS = 60


class SharedStage(Stage):
    """A stage whose usual service stays for the next attack."""

    def __init__(self, folder: Path, usual: Service) -> None:
        super().__init__(folder, HEALTH_SECONDS)
        self._usual = usual

    @contextmanager
    def usual_service(self) -> Iterator[Service]:
        """Give the service that other attacks have been played on."""
        if self._usual.process is None:
            self._usual.start()
        with self.watched(self._usual):
            yield self._usual


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give the service that most attacks are played on, not started before one needs it."""
    with Service(tmp_path_factory.mktemp("usual"), **USUAL_SETTINGS) as service:
        yield service


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_does_not_get_through(attack: Attack, tmp_path: Path, usual: Service) -> None:
    attack.play(SharedStage(tmp_path, usual), attack.small)
