"""`make attacks`: play each attack at full size against the real program, and print one line.

    python -m tests.attacks.run [--image IMAGE | --container] [WORD ...]

With `--image` the program is that image in a container of 512 MB, run by the Docker engine that
answers; with `--container` the image is built first, and an engine started where none answers. Owns
the report. Exits with 1 where an attack got through.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.attacks.contained import ContainedService
from tests.attacks.scenarios import ATTACKS
from tests.attacks.stage import Attack, Stage
from tests.docker.engine import engine
from tests.docker.world import world
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Play all attacks, or those whose names hold one of the given words."""
    parser = argparse.ArgumentParser()
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--image", help="play them on a container of this image")
    where.add_argument("--container", action="store_true", help="build the image, and play on it")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    chosen = [
        each
        for each in ATTACKS
        if not given.words or any(word in each.name for word in given.words)
    ]
    if given.container:
        with world(port=0) as built:
            program = partial(ContainedService, built.engine, built.image)
            held, played = _play(chosen, program)
    elif given.image is None:
        held, played = _play(chosen, Service)
    else:
        with engine() as running:
            held, played = _play(chosen, partial(ContainedService, running, given.image))
    sys.stdout.write(f"attacks: {held} of {played} repelled\n")
    sys.exit(held != played)


def _play(attacks: list[Attack], program: Callable[..., Service]) -> tuple[int, int]:
    """Play attacks; return how many the program held against, and how many were played."""
    held = played = 0
    for each in attacks:
        if each.only_without_container and program is not Service:
            sys.stdout.write(f"not played: {each.name}: {each.only_without_container}\n")
        else:
            played += 1
            held += _holds(each, program)
        sys.stdout.flush()
    return held, played


def _holds(attack: Attack, program: Callable[..., Service]) -> bool:
    """Play an attack; return whether the program held, and print what happened if not."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), 1.0, program)
        try:
            attack.play(stage, attack.full)
        except Exception:  # noqa: BLE001 -- whatever went wrong, the next attack is played
            sys.stdout.write(f"GOT THROUGH: {attack.name}\n{traceback.format_exc()}")
            return False
    took = time.monotonic() - began
    sys.stdout.write(f"repelled: {attack.name} ({took:.1f} s; {stage.cost})\n")
    return True


if __name__ == "__main__":
    main()
