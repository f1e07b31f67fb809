"""A real nginx as the guide sets it up, before the program under test.

Owns taking the configuration out of docs/guides/nginx.md, which so is true, and giving it the
test's own ports and folders.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import SEARCH_PATH
from tests.spec.service import a_free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).parents[2] / "docs/guides/nginx.md"

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


def configuration(folder: Path, service: int, port: int, archives: Path) -> str:
    """Give the guide's configuration with ports and folders of the test's own."""
    found = re.search(r"^```nginx\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert found, "the guide has no configuration"
    guide = found[1]
    for theirs, ours in {
        "127.0.0.1:8000": f"127.0.0.1:{service}",
        "listen 80;": f"listen 127.0.0.1:{port};",
        "/var/lib/packmule/archives/": f"{archives}/",
    }.items():
        assert guide.count(theirs) == 1, theirs
        guide = guide.replace(theirs, ours)
    user = "user root;" if os.geteuid() == 0 else ""
    return AROUND.format(user=user, folder=folder, guide=guide)


@contextmanager
def nginx(folder: Path, service: int, archives: Path) -> Iterator[int]:
    """Run nginx before the service on a port; give its own."""
    folder.mkdir()
    port = a_free_port()
    file = folder / "nginx.conf"
    file.write_text(configuration(folder, service, port, archives))
    program = shutil.which("nginx", path=SEARCH_PATH)
    assert program
    log = folder / "error.log"
    process = subprocess.Popen(
        [program, "-p", str(folder), "-e", str(log), "-c", str(file)], stdin=subprocess.DEVNULL
    )

    def is_up() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    try:
        until(is_up, "nginx listens")
        yield port
    finally:
        process.terminate()
        process.wait(30)
