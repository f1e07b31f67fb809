"""A block of the documents, typed as it stands, but for names, folders and a port of our own.

Owns what is put in its place, waiting until what it starts is ready, and removing it again.
"""

from __future__ import annotations

import os
import re
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from tests.docker.container import PATIENCE, until
from tests.docker.engine import CLIENT
from tests.docker.world import ROOT, World
from tests.fakes.terminals import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def typing(world: World, block: str) -> Iterator[httpx.Client]:
    """Type a block in a terminal; give a client of the service that it starts."""
    name = f"packmule-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(
        prefix="packmule-typed-",
        ignore_cleanup_errors=True,  # the container's files are another user's
    ) as folder:
        host = Path(folder, "host")
        text = _ours(world, block, name, host)
        log = Path(folder, "log")
        try:
            with (
                terminal(text, ROOT, world.engine.environment, log),
                httpx.Client(
                    base_url=f"http://127.0.0.1:{world.port}", timeout=PATIENCE, trust_env=False
                ) as client,
            ):
                until(lambda: client.get("/readyz").is_success, f"this serves: {text}")
                yield client
        finally:
            _remove(world, name)


def _ours(world: World, block: str, name: str, host: Path) -> str:
    """Put our own into a block: each `docker run` names its container, so that it can be found."""
    assert CLIENT is not None
    network = f"PACKMULE_ALLOW_NETWORKS={world.engine.gateway}/32"
    built = f"build --network host --build-arg BASE={world.built_on} -t {world.image} "
    for theirs, ours in (
        (r"docker build -t packmule ", f"{CLIENT} {built}"),
        (r"--name packmule ", ""),
        (r"docker run ", f"{CLIENT} run --name {name} "),
        (r"-p 127\.0\.0\.1:8000:8000", f"-p 127.0.0.1:{world.port}:8000"),
        (r"-v packmule:", f"-v {name}:"),
        (r"\bsudo ", "" if os.geteuid() == 0 else "sudo -n "),
        (r"/srv/packmule\b", str(host)),
        (r"PACKMULE_ALLOW_NETWORKS=172\.17\.0\.0/16", network),
        (r" packmule$", f" {world.image}"),
    ):
        block = re.sub(theirs, ours, block, flags=re.MULTILINE)
    return block


def _remove(world: World, name: str) -> None:
    world.engine.run("rm", "--force", "--volumes", name, check=False)
    world.engine.run("volume", "rm", "--force", name, check=False)
