"""The world in which the image is tried: an engine, the image, an origin that containers reach.

Owns building it, on a Debian of our own where no image can be pulled, and removing all of it again.
"""

from __future__ import annotations

import random
import re
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docker import debian
from tests.docker.container import Container
from tests.docker.engine import Engine, engine
from tests.fakes.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SMALL = {f"/{number}.bin": random.Random(number).randbytes(3_000 * number) for number in range(9)}


@dataclass(frozen=True)
class World:
    """An engine, the image under its tag, and an origin that containers reach."""

    engine: Engine
    image: str
    built_on: str
    origin: Origin
    port: int

    def container(self, volume: str, *options: str) -> Container:
        """Start the service."""
        return Container(self.engine, self.image, *options, port=self.port, volume=volume)

    def sources(self) -> list[str]:
        """Give links to the small files."""
        return [self.origin.url(path) for path in SMALL]


def small() -> dict[str, bytes]:
    """Give what an archive of the small files must hold."""
    return {path[1:]: body for path, body in SMALL.items()}


def base_of(engine: Engine, image: str) -> str:
    """Find what to build on: our own Debian where nothing can be pulled."""
    base = re.search(r"^ARG BASE=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert base
    built_on = base[1]
    try:
        engine.run("pull", "--quiet", built_on)
    except AssertionError:
        built_on = f"{image}-debian"
        debian.make(engine, built_on)
    return built_on


def build(engine: Engine, image: str, *options: str, on: str) -> None:
    """Build the image as the README says."""
    command = ["build", "--network", "host", "--build-arg", f"BASE={on}", *options]
    engine.run(*command, "-t", image, str(ROOT))


@contextmanager
def world(port: int) -> Iterator[World]:
    """Build everything, and remove it at the end of the context."""
    with engine() as running, Origin(running.gateway) as origin:
        for path, body in SMALL.items():
            origin.put(path, body)
        image = f"packmule-{uuid.uuid4().hex[:8]}"
        try:
            built_on = base_of(running, image)
            build(running, image, on=built_on)
            yield World(running, image, built_on, origin, port)
        finally:
            if not running.is_ours:  # else it all goes with the engine's folder
                running.run("image", "rm", "--force", image, f"{image}-debian", check=False)


@contextmanager
def volume(where: World) -> Iterator[str]:
    """Give a volume until the end of the context."""
    name = f"packmule-{uuid.uuid4().hex[:8]}"
    try:
        yield name
    finally:
        where.engine.run("volume", "rm", "--force", name, check=False)
