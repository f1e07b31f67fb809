"""One round of power cuts: the service under load, its disk cut off at random moments, and judged.

Owns when the power goes. What is asked for and how it is judged is that of the kills.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tests.kills.load import Load, Round
from tests.kills.origin import Origin
from tests.power.disk import Disk
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_LIFE = 2.0
"""Seconds between two cuts, at most: about what the jobs of a round take."""


def play(kind: str, seed: int, folder: Path) -> Round:
    """Play a round on a disk of that kind, in a folder of its own, which is made."""
    folder.mkdir(parents=True)
    rng = random.Random(seed)
    said = Round(seed)
    with (
        Origin() as origin,
        Disk(folder / "image", folder / "data", kind) as disk,
        Service(folder, MIN_FREE_BYTES="0") as service,
    ):
        load = Load(service, origin, rng)
        service.start()
        for _ in range(rng.randint(1, 2)):
            for _ in range(rng.randint(1, 3)):
                load.ask()
            time.sleep(rng.uniform(0.0, LONGEST_LIFE))
            load.note_the_completed()
            with load.posting():
                time.sleep(rng.uniform(0.0, 0.5))
                # Nobody outlives a power cut to answer: a sync that is under way while a file
                # system is shut down may return as if all were well, and it is no promise.
                service.freeze()
                disk.cut()
                service.kill()
            disk.come_back()
            said.kills.append("power")
            service.start()
        load.judge(said)
        service.kill()
    return said
