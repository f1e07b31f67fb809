"""A second S3 server, by other hands than moto's and strict where that is not: nanio.

It checks signatures, keeps objects in files, and knows parts by their numbers. Owns starting and
ending it, in a process of its own.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.fakes.bucket import FakeS3
from tests.spec.service import a_free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OPTIONS = """\
[[users]]
access_key = "packmule"
secret_key = "no secret"
"""


@contextmanager
def running_nanio(folder: Path, region: str = "eu-central-1") -> Iterator[FakeS3]:
    """Run a server until the end of the context; what it keeps is in the folder."""
    folder.mkdir(parents=True)
    options = folder / "options.toml"
    options.write_text(_OPTIONS)
    port = a_free_port()
    said = folder / "log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "nanio", "serve", "--host", "127.0.0.1"),
                *("--port", str(port), "--data-dir", str(folder / "data")),
                *("--options", str(options), "--region", region, "--no-access-log"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def listens() -> bool:
        assert process.poll() is None, said.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    try:
        until(listens, "nanio listens")
        yield FakeS3(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(30)
