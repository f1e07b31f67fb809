"""`python -m tests.docker.run`: every promise of the image, and one line of figures."""

from __future__ import annotations

import json
import socket
import sys

from tests.docker.engine import NoEngine
from tests.docker.promises import PROMISES
from tests.docker.world import World, world


def main() -> None:
    """Try everything; exit with 1 where something is not kept or could not be tried."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    try:
        with world(port) as where:
            kept = sum(_is_kept(where, number) for number in range(len(PROMISES)))
            size = _size(where)
    except NoEngine as error:
        sys.stdout.write(f"docker: not tried: {error}\n")
        sys.exit(1)
    sys.stdout.write(f"docker: {kept} of {len(PROMISES)} ({size})\n")
    sys.exit(0 if kept == len(PROMISES) else 1)


def _is_kept(where: World, number: int) -> bool:
    name = PROMISES[number].__name__.replace("_", " ")
    try:
        PROMISES[number](where)
    except AssertionError as error:
        sys.stdout.write(f"{name}: {error}\n")
        return False
    sys.stdout.write(f"{name}: kept\n")
    sys.stdout.flush()
    return True


def _size(where: World) -> str:
    image, under = (
        json.loads(where.engine.run("image", "inspect", tag))[0]["Size"]
        for tag in (where.image, where.built_on)
    )
    return f"image {image / 1e6:.0f} MB, {(image - under) / 1e6:.0f} MB of it on top of its base"


if __name__ == "__main__":
    main()
