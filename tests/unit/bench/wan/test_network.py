"""The emulated link: packets arrive, late, and between its two ends only."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from bench.wan import network
from bench.wan.cases import Path as Way

if TYPE_CHECKING:
    from pathlib import Path

LISTEN = "import socket; s = socket.create_server(('', 7)); print('up', flush=True); s.accept()"
CONNECT = """
import socket, sys, time
begun = time.monotonic()
socket.create_connection((sys.argv[1], 7), timeout=30)
print(time.monotonic() - begun)
"""

needs_link = pytest.mark.skipif(
    network.obstacle() is not None, reason=f"no emulated link here: {network.obstacle()}"
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network.compile_link(tmp_path_factory.mktemp("link"))


@needs_link
def test_a_connection_takes_the_round_trip_of_its_host(program: Path) -> None:
    with network.linked(program, [Way(1), Way(300)]) as joined:
        for host, least in ((0, 0.001), (1, 0.3)):
            server = subprocess.Popen(
                joined.server.command("python3", "-c", LISTEN), stdout=subprocess.PIPE
            )
            with server:
                assert server.stdout
                assert server.stdout.readline() == b"up\n"
                address = network.host_address(host)
                done = subprocess.run(
                    joined.client.command("python3", "-c", CONNECT, address),
                    capture_output=True, check=True, text=True,
                )  # fmt: skip
                # Never sooner; how much later is a matter of the machine.
                assert float(done.stdout) >= least
        assert joined.client.received_bytes() > 0


@needs_link
@pytest.mark.parametrize("path", ["198.18.0.2,30", "x,1,1,1,1,1", "198.18.0.2,1,0,0,0,1"])
def test_a_path_that_makes_no_sense_is_refused_with_its_form(program: Path, path: str) -> None:
    done = subprocess.run([program, "a", "b", path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(r"is not ADDRESS,RTT_MS,.*", done.stderr)
