"""The README, done for real: its shell blocks are run as a newcomer would type them.

The blocks that start a server are terminals of their own; the others are one session, in order.
Only the ports are replaced, by free ones.
"""

from __future__ import annotations

import os
import re
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.fakes.documents import ROOT, blocks
from tests.fakes.terminals import PATIENCE, terminal, until_it_answers

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = ROOT / "docs"


def to_type() -> list[str]:
    """List the README's blocks of shell commands."""
    # Those of Docker are typed by tests/docker.
    return [block for block in blocks("README.md", "sh") if not block.startswith("docker ")]


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


@pytest.mark.needs("curl", "unzip")
@pytest.mark.timeout(400)
def test_a_newcomer_who_types_the_readme_gets_the_archives(
    clone: Path, free_ports: Callable[[], int]
) -> None:
    ports = {"8000": free_ports(), "9000": free_ports()}
    typed = [
        re.sub(r"\b(8000|9000)\b", lambda match: str(ports[match[1]]), block) for block in to_type()
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
    text = "\n".join(to_type())
    assert "make serve" in text
    assert "/api/archive/create" in text
    assert "/api/archive/status/" in text
    assert "/archive/get/" in text
    assert "packmule pack " in text
