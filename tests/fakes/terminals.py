"""Terminals in which the documents' commands go on until their window is closed.

Owns starting a block in a shell of its own, waiting for the server that it starts, and seeing all
of its processes gone.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 120.0
"""Seconds a server may take until it answers, or until it has ended."""


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a terminal's processes as a closed window would, and see them gone."""
    for what in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, what)
        except ProcessLookupError:
            break
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            continue
        break


@contextmanager
def terminal(
    block: str, where: Path, env: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a block in a terminal of its own, until the end of the context; print what it said."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=where,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            stop(process)
            said = log.read_text(errors="replace")
            print(f"--- {block}--- said:\n{said}")  # noqa: T201 - shown where the test fails


def until_it_answers(url: str, log: Path) -> None:
    """Wait until a server answers with success; show its log where it does not."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"no answer from {url}:\n{log.read_text(errors='replace')}")


def until_it_listens(port: int, log: Path) -> None:
    """Wait until something listens on a port; show its log where nothing does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    pytest.fail(f"nothing listens on {port}:\n{log.read_text(errors='replace')}")
