"""The object stores that can be had here: each is started on loopback, with the tests' keys.

Owns what each needs, and the sentence that says why one cannot be had. Leaves Ceph to `ceph.py`.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.bucket import running_s3
from tests.fakes.faulty_s3 import before
from tests.fakes.nanio import running_nanio
from tests.fakes.node import installed
from tests.s3_conformance.absent import Absent
from tests.s3_conformance.ceph import ceph
from tests.spec.service import a_free_port, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    Store = Callable[[Path], AbstractContextManager[str]]

_NODE = Path(__file__).with_name("node")


@contextmanager
def moto(_folder: Path) -> Iterator[str]:
    """Run moto's server."""
    with running_s3() as server:
        yield server.url


@contextmanager
def strict(_folder: Path) -> Iterator[str]:
    """Run the fake that takes parts only as R2 and RGW do, before moto's server."""
    with running_s3() as server, before(server.url) as fake:
        yield fake.url


@contextmanager
def nanio(folder: Path) -> Iterator[str]:
    """Run nanio."""
    with running_nanio(folder / "nanio", region="us-east-1") as server:
        yield server.url


@contextmanager
def rclone(folder: Path) -> Iterator[str]:
    """Run `rclone serve s3` over a folder; only newer ones have it."""
    program = _program("rclone")
    asked = subprocess.run(
        [program, "serve", "s3", "--help"], capture_output=True, check=False, timeout=60
    )
    if b"--auth-key" not in asked.stdout:
        raise Absent("this rclone is too old to have `rclone serve s3` (1.65 has it)")
    port = a_free_port()
    (folder / "rclone").mkdir()
    line = [program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key"]
    with listening([*line, "packmule,no secret", str(folder / "rclone")], port, folder) as url:
        yield url


@contextmanager
def s3rver(folder: Path) -> Iterator[str]:
    """Run s3rver, from npm."""
    node, _ = _program("node"), _program("npm")
    try:
        packages = installed(_NODE)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        raise Absent(f"npm could not install it: {error}") from error
    port = a_free_port()
    line = [node, str(packages / "serve.mjs"), str(port), str(folder / "s3rver")]
    with listening(line, port, folder) as url:
        yield url


@contextmanager
def listening(line: Sequence[str], port: int, folder: Path) -> Iterator[str]:
    """Run a program until the end of the context; give its URL once it listens."""
    said = folder / "log"
    with said.open("wb") as log:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def listens() -> bool:
        assert process.poll() is None, said.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    try:
        until(listens, f"{line[0]} listens")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Absent(f"the program {name!r} is not installed")
    return found


STORES: dict[str, Store] = {
    "moto": moto,
    "strict": strict,
    "nanio": nanio,
    "rclone": rclone,
    "s3rver": s3rver,
    "ceph": ceph,
}
