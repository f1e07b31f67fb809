"""One round of kills: the whole service under load, killed at random moments, and judged.

Owns who is killed when. A round is made of its seed alone; only how far the service has come at a
kill differs from run to run, which is the point.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

from tests.kills.load import Load, Round
from tests.kills.origin import Origin
from tests.spec.service import Service, is_alive, until

VICTIMS = ("worker", "api", "supervisor", "all")
LONGEST_LIFE = 1.5
"""Seconds between two kills, at most: about what the jobs of a round take."""


def play(seed: int, folder: Path) -> Round:
    """Play a round in a folder of its own, which is made."""
    folder.mkdir(parents=True)
    rng = random.Random(seed)
    said = Round(seed)
    with Origin() as origin, Service(folder, MIN_FREE_BYTES="0") as service:
        load = Load(service, origin, rng)
        service.start()
        for _ in range(rng.randint(1, 3)):
            for _ in range(rng.randint(1, 2)):
                load.ask()
            with load.posting():
                time.sleep(rng.uniform(0.0, LONGEST_LIFE))
                victim = rng.choice(VICTIMS)
                said.kills.append(kill(service, victim))
            if victim in {"all", "supervisor"}:
                service.start()
            load.note_the_completed()
        load.judge(said)
    return said


def kill(service: Service, victim: str) -> str:
    """Kill a process, or all, as they come; tell whom."""
    supervisor, *children = service.processes()
    match victim:
        case "all":
            service.kill()
        case "supervisor":
            service.kill(supervisor)
            until(lambda: not any(map(is_alive, children)), "its children have noticed")
        case _:
            doomed = [child for child in children if victim in _command(child)]
            if doomed:  # none where it is just about to be started again
                service.kill(*doomed)
            return victim if doomed else f"no {victim}"
    return victim


def _command(process_id: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{process_id}/cmdline").read_text().split("\0")
    return []
