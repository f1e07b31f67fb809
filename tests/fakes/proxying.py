"""A real nginx and a real Caddy as their guides set them up, before the program under test.

Owns taking the configuration out of docs/guides/, which so is true, and giving it the test's own
ports and folders.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.conftest import SEARCH_PATH
from tests.fakes.documents import blocks, replaced
from tests.spec.service import a_free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "archives.example.org"
"""The name under which the guides publish the service."""

AROUND = """\
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{guide}
}}
"""


CADDY = """\
{{
	admin off
	auto_https off
}}
{guide}
"""


PATH = "/packmule"
"""The path of another site under which the guides publish the service as well."""


def configuration(
    folder: Path, service: int, port: int, archives: Path, *, under_path: bool = False
) -> str:
    """Return the configuration of nginx's guide with ports and folders of the test's own."""
    guide, location = blocks("docs/guides/nginx.md", "nginx")
    if under_path:
        whole = re.search(r"^    location / \{\n.*?^    \}\n", guide, re.MULTILINE | re.DOTALL)
        assert whole
        guide = guide.replace(whole[0], location)
    changes = {
        "127.0.0.1:8000": f"127.0.0.1:{service}",
        "listen 80;": f"listen 127.0.0.1:{port};",
        "/var/lib/packmule/archives/": f"{archives}/",
    }
    user = "user root;" if os.geteuid() == 0 else ""
    return AROUND.format(user=user, folder=folder, guide=replaced(guide, changes))


@contextmanager
def nginx(folder: Path, service: int, archives: Path, *, under_path: bool = False) -> Iterator[int]:
    """Run nginx before the service on a port; give its own."""
    folder.mkdir()
    port = a_free_port()
    file = folder / "nginx.conf"
    file.write_text(configuration(folder, service, port, archives, under_path=under_path))
    log = folder / "error.log"
    with _running(["nginx", "-p", str(folder), "-e", str(log), "-c", str(file)], port, log):
        yield port


@contextmanager
def caddy(folder: Path, service: int, *, under_path: bool = False) -> Iterator[int]:
    """Run Caddy before the service on a port, without its certificates; give its own."""
    folder.mkdir()
    port = a_free_port()
    file = folder / "Caddyfile"
    guide = blocks("docs/guides/caddy.md", "caddyfile")[under_path]
    changes = {"127.0.0.1:8000": f"127.0.0.1:{service}", NAME: f"http://{NAME}:{port}"}
    file.write_text(CADDY.format(guide=replaced(guide, changes)))
    command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
    # It keeps its state at home.
    with _running(command, port, folder / "log", HOME=str(folder), XDG_DATA_HOME=str(folder)):
        yield port


@contextmanager
def _running(command: list[str], port: int, log: Path, **variables: str) -> Iterator[None]:
    """Run a proxy until the end of the context, from when it listens."""
    program = shutil.which(command[0], path=SEARCH_PATH)
    assert program
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, *command[1:]],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    def is_up() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    try:
        until(is_up, f"{command[0]} listens")
        yield
    finally:
        process.terminate()
        process.wait(30)
