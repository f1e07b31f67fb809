"""The tutorial and the guides, done for real: what they say to type is typed."""

from __future__ import annotations

import json
import re
import zipfile
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook
from tests.spec.test_readme import (
    DOCS,
    PATIENCE,
    clone,
    environment,
    is_server,
    terminal,
    until_it_answers,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["clone"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's example
BODY = json.dumps({"type": "archive.completed", "data": {"url": "http://example.org/x.zip"}})


def blocks(document: str, language: str) -> list[str]:
    text = (DOCS / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(180)
def test_whoever_types_the_tutorial_gets_its_archives(
    clone: Path,
    free_ports: Callable[[], int],
) -> None:
    ports = {"8000": free_ports(), "9000": free_ports()}
    typed = [
        re.sub(r"\b(8000|9000)\b", lambda match: str(ports[match[1]]), block)
        for block in blocks("tutorial.md", "sh")
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


def test_the_receiver_in_flask_takes_what_is_signed_once_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    [program] = blocks("guides/webhook-receivers.md", "python")
    made: dict[str, Any] = {"__name__": "receiver"}
    exec(program, made)  # noqa: S102 - the guide's own program
    receiver = made["app"].test_client()
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, BODY),
    }
    for _ in range(2):
        assert receiver.post("/packmule", data=BODY, headers=headers).status_code == 204
    assert capsys.readouterr().out == "fetch http://example.org/x.zip\n"
    assert receiver.post("/packmule", data=BODY + " ", headers=headers).status_code == 401
    assert receiver.post("/packmule", data=BODY).status_code == 401
