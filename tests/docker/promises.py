"""What the image promises, each a function that fails where it is not kept.

Owns the promises; the world they are tried in is that of `world`. `run` counts them, pytest runs
them in CI.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import tempfile
import threading
import uuid
import zipfile
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import httpx
from tests.docker.container import FENCES, PATIENCE, until
from tests.docker.engine import CLIENT, Engine
from tests.docker.typed import typing
from tests.docker.world import ROOT, World, build, small, volume
from tests.fakes.documents import blocks, replaced

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
BIG = random.Random("big").randbytes(24 * MIB)


def the_image_is_small_shut_and_labelled(world: World) -> None:
    """It adds little, runs as 10001, and has neither compiler nor pip."""
    found = json.loads(world.engine.run("image", "inspect", world.image))[0]
    under = json.loads(world.engine.run("image", "inspect", world.built_on))[0]
    assert found["Size"] - under["Size"] < 200e6
    config = found["Config"]
    assert config["User"] == "10001:10001"
    assert list(config["Volumes"]) == ["/data"]
    assert config["Labels"]["org.opencontainers.image.title"] == "Packmule"
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    inside = "id -u; for p in gcc cc g++ make; do command -v $p; done; ls /opt/packmule/bin"
    said = world.engine.run(
        "run", "--rm", "--network", "none", "--entrypoint", "sh", world.image, "-c", inside
    ).split()
    assert said[0] == "10001"
    assert not {word for word in said[1:] if re.search(r"gcc|/cc|g\+\+|make|pip|hatch", word)}
    assert "packmule" in said


def one_command_serves_everything(world: World) -> None:
    """One command: page, API and worker, and an archive byte for byte; healthy by its own check."""
    with volume(world) as kept, world.container(kept, "--health-interval", "1s") as service:
        service.ready()
        page = service.client.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "<form" in page.text
        assert service.members(service.create(*world.sources())) == small()
        until(lambda: service.inspect("State", "Health", "Status") == "healthy", "it is healthy")
        assert world.engine.run("exec", service.id, "packmule", "jobs", "list").count("completed")


def what_the_documents_tell_to_type_serves(world: World) -> None:
    """Each block of README.md and docs/docker.md is typed, with names and a port of our own."""
    told = [each for each in blocks("README.md", "sh") if each.startswith("docker ")]
    told += [each for each in blocks("docs/docker.md", "sh") if " pack " not in each]
    assert len(told) == 5
    for block in told:
        with typing(world, block) as service:
            page = service.get("/", headers={"Accept": "text/html"})
            assert "<form" in page.text
            if "PACKMULE_ALLOW_NETWORKS" in block:
                urls = {"urls": world.sources()}
                archive = service.post("/api/archive/create", json=urls).json()["archive_hash"]
                status = service.get(f"/api/archive/status/{archive}?wait=60")
                assert status.json()["status"] == "completed"


def the_recipe_for_pack_makes_an_archive_that_is_the_users(world: World) -> None:
    """The block of docs/docker.md about `pack` is typed in a folder with a list of links."""
    [block] = [each for each in blocks("docs/docker.md", "sh") if " pack " in each]
    changes = {
        "docker run ": f"{CLIENT} run ",
        "packmule pack": f"{world.image} pack --allow-network {world.engine.gateway}/32",
    }
    with tempfile.TemporaryDirectory(prefix="packmule-recipe-") as name:
        folder = Path(name)
        (folder / "links.txt").write_text("\n".join(world.sources()))
        command = f'cd "{folder}" && {replaced(block, changes)}'
        world.engine.run_program("/bin/sh", "-c", command)
        with zipfile.ZipFile(folder / "archive.zip") as archive:
            assert {each: archive.read(each) for each in archive.namelist()} == small()
        assert (folder / "archive.zip").stat().st_uid == os.geteuid()


def killed_in_the_middle_it_goes_on_on_the_same_volume(world: World) -> None:
    """Fenced in, killed by 9: a new container completes what the first began, byte for byte."""
    path = f"/{uuid.uuid4()}/slow.bin"
    slow = world.origin.put(path, BIG, rate=3 * MIB, held_from=len(BIG) - MIB)
    with volume(world) as kept:
        with world.container(kept, *FENCES) as service:
            archive = service.ready().create(slow, *world.sources())
            until(
                lambda: service.status(archive)["progress"]["bytes"]["done"] > len(BIG) - 2 * MIB,
                "the job is under way",
            )
            world.engine.run("kill", "--signal", "KILL", service.id)
            until(lambda: not service.inspect("State", "Running"), "it is dead")
            assert service.inspect("State", "ExitCode") == 137
        before = len(world.origin.requests_for(path))
        world.origin.release(path)
        with world.container(kept, *FENCES) as service:
            found = service.ready().members(archive)
            assert {name: hashlib.sha256(body).digest() for name, body in found.items()} == {
                name: hashlib.sha256(body).digest()
                for name, body in ({"slow.bin": BIG} | small()).items()
            }
            asked = [each.headers["Range"] for each in world.origin.requests_for(path)[before:]]
            # Of each range the last block may not have been written yet.
            assert None not in asked, asked
            assert world.engine.run("diff", service.id).strip() in {"", "A /data"}


def sigterm_drains(world: World) -> None:
    """A download under way comes to its end, and the service exits with 0."""
    big = world.origin.put(f"/{uuid.uuid4()}/big.bin", BIG)
    with volume(world) as kept, world.container(kept, *FENCES) as service:
        archive = service.ready().create(big)
        assert service.members(archive) == {"big.bin": BIG}
        stop = threading.Thread(
            target=world.engine.run, args=("stop", "--time", "60", service.id), daemon=True
        )
        with service.client.stream("GET", f"/archive/get/{archive}.zip") as answer:
            pieces = answer.iter_bytes(64 * 1024)
            size = len(next(pieces))
            stop.start()
            until(lambda: "stopping" in service.log, "it has heard the signal")
            size += sum(map(len, pieces))
            assert size == int(answer.headers["Content-Length"])
        stop.join(PATIENCE)
        assert service.inspect("State", "ExitCode") == 0, service.log
        assert '"stopped"' in service.log


def compose_up_serves_everything(world: World) -> None:
    """`docker compose up`: the same, with the fences of compose.yaml."""
    project = f"packmule-{uuid.uuid4().hex[:8]}"
    compose = [*_compose(world.engine), "-f", str(ROOT / "compose.yaml"), "-p", project]
    variables = {
        "PACKMULE_IMAGE": world.image,
        "PACKMULE_PORT": str(world.port),
        "PACKMULE_ALLOW_NETWORKS": f"{world.engine.gateway}/32",
    }
    try:
        world.engine.run_program(*compose, "up", "-d", "--no-build", variables=variables)
        with httpx.Client(base_url=f"http://127.0.0.1:{world.port}", trust_env=False) as client:
            until(lambda: client.get("/readyz").is_success, "the service is ready")
            urls = {"urls": world.sources()}
            archive = client.post("/api/archive/create", json=urls).json()["archive_hash"]
            status = f"/api/archive/status/{archive}?wait=20"
            until(lambda: client.get(status, timeout=60).json()["status"] == "completed", "done")
            link = client.get(status).json()["url"]
            assert link.startswith(f"http://localhost:{world.port}/")
    finally:
        world.engine.run_program(*compose, "down", "--volumes", check=False, variables=variables)


def _compose(engine: Engine) -> list[str]:
    """Find compose, the plugin or the program."""
    if CLIENT is not None and "Compose version" in engine.run("compose", "version", check=False):
        return [CLIENT, "compose"]
    return [which("docker-compose") or "docker-compose"]


def the_extra_comes_by_a_build_argument(world: World) -> None:
    """`--build-arg EXTRAS=otel` brings what traces need; without it nothing of it is there."""
    traced = f"{world.image}-traced"
    assert "`--build-arg EXTRAS=otel`" in (ROOT / "docs/operations.md").read_text()
    build(world.engine, traced, "--build-arg", "EXTRAS=otel", on=world.built_on)
    look = ["run", "--rm", "--network", "none", "--entrypoint", "python"]
    program = ["-c", "from importlib import util; print(bool(util.find_spec('opentelemetry.sdk')))"]
    for image, there in ((world.image, "False"), (traced, "True")):
        assert world.engine.run(*look, image, *program).split()[-1] == there
    world.engine.run("image", "rm", "--force", traced, check=False)


PROMISES: tuple[Callable[[World], None], ...] = (
    the_image_is_small_shut_and_labelled,
    one_command_serves_everything,
    what_the_documents_tell_to_type_serves,
    the_recipe_for_pack_makes_an_archive_that_is_the_users,
    killed_in_the_middle_it_goes_on_on_the_same_volume,
    sigterm_drains,
    compose_up_serves_everything,
    the_extra_comes_by_a_build_argument,
)
