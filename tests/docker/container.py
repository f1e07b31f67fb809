"""A container of the service, driven as its operator and its callers would.

Owns one container: started by `docker run`, asked over its published port, stopped, killed and
removed. What it said is in its errors.
"""

from __future__ import annotations

import json
import re
import time
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.docker.engine import Engine

PATIENCE = 90.0
FENCES = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
FENCES += ["--user", "10001", "--pids-limit", "256"]


# On a line of its own, among warnings: of a machine that forwards no packets, say.
_ID = re.compile(r"^[0-9a-f]{64}$", re.MULTILINE)


def until(what: Callable[[], object], why: str) -> None:
    """Return once `what` answers something true; a refused connection is not yet true."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if what():
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise AssertionError(f"it never came true: {why}")
        time.sleep(0.1)


class Container:
    """A container that is removed at the end of the context; its volume is not."""

    def __init__(self, engine: Engine, image: str, *options: str, port: int, volume: str) -> None:
        self.engine = engine
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False
        )
        command = ["run", "-d", "-p", f"127.0.0.1:{port}:8000", "-v", f"{volume}:/data"]
        command += ["-e", f"PACKMULE_ALLOW_NETWORKS={engine.gateway}/32"]
        said = engine.run(*command, *options, image)
        named = _ID.search(said)
        assert named is not None, said
        self.id = named[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.engine.run("rm", "--force", self.id, check=False)

    def inspect(self, *path: str) -> Any:
        """Give a part of what the engine knows of it."""
        found = json.loads(self.engine.run("inspect", self.id))[0]
        for key in path:
            found = found[key]
        return found

    @property
    def log(self) -> str:
        """All that it said."""
        return self.engine.run("logs", self.id, check=False)

    def is_ready(self) -> bool:
        """Tell whether it takes jobs; it must not have ended."""
        assert self.inspect("State", "Running"), self.log
        return self.client.get("/readyz").is_success

    def ready(self) -> Self:
        """Wait until it takes jobs."""
        until(self.is_ready, "the service is ready")
        return self

    def create(self, *urls: str) -> str:
        """Ask for an archive, and give its hash."""
        answer = self.client.post("/api/archive/create", json={"urls": list(urls)})
        assert answer.status_code == 202, answer.text
        archive_hash: str = answer.json()["archive_hash"]
        return archive_hash

    def status(self, archive_hash: str, wait: int = 0) -> dict[str, Any]:
        """Ask for a job's status."""
        answer = self.client.get(f"/api/archive/status/{archive_hash}", params={"wait": wait})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def members(self, archive_hash: str) -> dict[str, bytes]:
        """Wait for an archive, download it, and give what is in it."""
        until(lambda: self.status(archive_hash, 5)["status"] != "in-progress", "the job has ended")
        assert self.status(archive_hash)["status"] == "completed", self.status(archive_hash)
        answer = self.client.get(f"/archive/get/{archive_hash}.zip")
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}
