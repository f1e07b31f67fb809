"""The tutorial, done for real: what it says to type is typed."""

from __future__ import annotations

import re
import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.fakes.documents import blocks
from tests.fakes.terminals import PATIENCE, terminal, until_it_answers
from tests.spec.test_readme import clone, environment, is_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["clone"]


@pytest.mark.long
@pytest.mark.timeout(400)
def test_whoever_types_the_tutorial_gets_its_archives(
    clone: Path,
    free_ports: Callable[[], int],
) -> None:
    ports = {"8000": free_ports(), "9000": free_ports()}
    typed = [
        re.sub(r"\b(8000|9000)\b", lambda match: str(ports[match[1]]), block)
        for block in blocks("docs/tutorial.md", "sh")
    ]
    env = environment(clone, ports["8000"])
    servers = [block for block in typed if is_server(block)]
    with ExitStack() as terminals:
        for port, block in zip(ports.values(), servers, strict=True):
            log = clone / f"server-{port}.log"
            terminals.enter_context(terminal(block, clone, env, log))
            until_it_answers(f"http://127.0.0.1:{port}/", log)
        session = "".join(block for block in typed if not is_server(block))
        log = clone / "session.log"
        with terminal(session, clone, env, log) as process:
            assert process.wait(PATIENCE) == 0
    for name, members in {
        "documents.zip": ["glossary.md", "reference/settings.md"],
        "without.zip": ["glossary.md", "_missing.txt"],
    }.items():
        with zipfile.ZipFile(clone / name) as archive:
            assert archive.namelist() == members
    said = log.read_text(encoding="utf-8")
    assert said.count("exit status 1") == 3
    assert "gone.md" in said
