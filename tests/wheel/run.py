"""`make wheel-test`: what is to be published, in fresh environments of every Python that is here.

the wheel              `pack`, `verify` and the client work; it is small; a missing extra is said
the wheel [server]     the service creates an archive, without boto3 and psycopg
the sdist              the same wheel is built from it (`environments.build`)
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.origin import Origin
from tests.wheel.environments import build, install, pythons, run, size

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 40_000_000
PATIENCE = 60.0
ALLOWED = {"PACKMULE_ALLOW_NETWORKS": "127.0.0.0/8"}


def light(environment: Path, origin: Origin, folder: Path) -> str:
    """Try the command line and the client without any extra; return the figures."""
    packmule = environment / "bin/packmule"
    url = origin.put("/wheel/a.txt", b"hello")
    run(packmule, "pack", "--allow-network", "127.0.0.0/8", url, "-o", "out.zip", folder=folder)
    assert zipfile.ZipFile(folder / "out.zip").read("a.txt") == b"hello"
    run(packmule, "verify", "out.zip", folder=folder)
    run(environment / "bin/python", "-W", "error", "-c", "import packmule.client", folder=folder)
    for command, extra in (
        (["serve"], "server"),
        (["openapi"], "server"),
        (["jobs", "list"], "server"),
    ):
        said = run(packmule, *command, folder=folder, status=1).strip()
        assert said.endswith(f"pip install 'packmule[{extra}]'"), said
        assert "\n" not in said, said
    found = size(environment)
    assert found <= MOST_BYTES, f"{found:,} bytes are installed"
    return f"{found / 1e6:.1f} MB"


def server(environment: Path, origin: Origin, folder: Path) -> None:
    """Create an archive on a service that has the extra `server` only."""
    packmule = environment / "bin/packmule"
    url = origin.put("/wheel/b.txt", b"served")
    with serving(packmule, folder) as address:
        run(packmule, "create", "--server", address, "--wait", url, folder=folder)
    for variable, value, extra in (
        ("PACKMULE_STORAGE_URL", "s3://bucket/prefix", "s3"),
        ("PACKMULE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "postgres"),
    ):
        done = subprocess.run(
            [packmule, "api"], env=os.environ | {variable: value}, cwd=folder, check=False,
            capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 1, done
        assert f"pip install 'packmule[{extra}]'" in done.stderr, done.stderr


@contextmanager
def serving(packmule: Path, folder: Path) -> Iterator[str]:
    """Start a service, yield its address once it is ready, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            [packmule, "serve", "--port", str(port)], env=os.environ | ALLOWED, cwd=folder,
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while not _is_ready(address):
            assert service.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(PATIENCE)


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """Try everything on every Python, and print a line for each."""
    with tempfile.TemporaryDirectory(prefix="packmule-wheel-") as name, Origin() as origin:
        root = Path(name)
        sdist, wheel = build(root / "dist")
        sys.stdout.write(f"built {sdist.name} and {wheel.name}\n")
        for version, python in pythons().items():
            folder = root / version
            folder.mkdir()
            figures = light(install(python, str(wheel), root / f"light-{version}"), origin, folder)
            server(install(python, f"{wheel}[server]", root / f"server-{version}"), origin, folder)
            sys.stdout.write(f"Python {version}: works, {figures} without extras\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
