"""The README, done for real: its shell blocks are run as a newcomer would type them.

The blocks that start a server are terminals of their own; the others are one session, in order.
Only the ports are replaced, by free ones.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PATIENCE = 60.0
"""Seconds a server may take until it answers, or until it has ended."""


def blocks() -> list[str]:
    """List the README's blocks of shell commands."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    return [block for block in found if not block.startswith("docker ")]  # see tests/docker


def is_server(block: str) -> bool:
    """Tell a block that goes on until it is stopped."""
    return "make serve" in block or "http.server" in block


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Lay out a clone whose parts are this one's, already installed."""
    for name in ("Makefile", "pyproject.toml", "requirements", "src", "docs", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(Path(sys.prefix, "bin"))
    (tmp_path / ".venv/run.stamp").touch()  # make need not install what the tests run with
    return tmp_path


def environment(home: Path, port: int) -> dict[str, str]:
    """Give a newcomer's environment: nothing of ours but the port to listen on."""
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PACKMULE_PORT": str(port),
    }


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


@pytest.mark.needs("curl", "unzip")
@pytest.mark.timeout(180)
def test_a_newcomer_who_types_the_readme_gets_the_archives(
    clone: Path, free_ports: Callable[[], int]
) -> None:
    ports = {"8000": free_ports(), "9000": free_ports()}
    typed = [
        re.sub(r"\b(8000|9000)\b", lambda match: str(ports[match[1]]), block) for block in blocks()
    ]
    env = environment(clone, ports["8000"])
    logs = [clone / f"terminal-{number}.log" for number, _ in enumerate(typed)]
    with ExitStack() as terminals:
        for block, log in zip(typed, logs, strict=True):
            if is_server(block):
                terminals.enter_context(terminal(block, clone, env, log))
        until_it_answers(f"http://127.0.0.1:{ports['8000']}/readyz", logs[0])
        until_it_answers(f"http://127.0.0.1:{ports['9000']}/", logs[1])
        typed_last = "".join(block for block in typed if not is_server(block))
        with terminal(typed_last, clone, env, clone / "session.log") as session:
            assert session.wait(PATIENCE) == 0
    glossary, settings = ((DOCS / name).read_bytes() for name in ("glossary.md", "settings.md"))
    for name, members in {
        "documents.zip": {"glossary.md": glossary, "reference/settings.md": settings},
        "two.zip": {"glossary.md": glossary, "settings.md": settings},
    }.items():
        with zipfile.ZipFile(clone / name) as archive:
            assert {member: archive.read(member) for member in archive.namelist()} == members


def test_the_readme_has_both_ways_to_an_archive() -> None:
    text = "\n".join(blocks())
    assert "make serve" in text
    assert "/api/archive/create" in text
    assert "/api/archive/status/" in text
    assert "/archive/get/" in text
    assert "packmule pack " in text
