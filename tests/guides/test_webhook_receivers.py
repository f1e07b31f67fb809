"""The receivers of docs/guides/webhook-receivers.md, told by the program itself.

Flask's libraries are those that the tests run with; Express' are pinned in `node`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from standardwebhooks import Webhook
from tests.fakes.documents import ROOT, blocks, replaced, typed
from tests.fakes.terminals import terminal, until_it_listens
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from tests.fakes.origin import Origin

GUIDE = "docs/guides/webhook-receivers.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's example
NODE = Path(__file__).with_name("node")
FORGED = json.dumps({"type": "archive.completed", "data": {"url": "http://example.org/x.zip"}})
URL = "http://127.0.0.1:3000/packmule"


def install_express(folder: Path) -> None:
    """Bring what Express' receiver imports, by the lock; no script of it is run."""
    for each in NODE.iterdir():
        shutil.copy(each, folder)
    wanted = " ".join(json.loads((NODE / "package.json").read_text())["dependencies"])
    assert f"npm install {wanted}\n" in "".join(blocks(GUIDE, "sh"))
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(["npm", "ci", *quiet], cwd=folder, check=True, timeout=300)


def laid_out(kind: str, folder: Path, port: int) -> str:
    """Write a receiver as the guide has it, and give the command that starts it."""
    python, express = blocks(GUIDE, "sh")
    if kind == "flask":
        (folder / "receiver.py").write_text(blocks(GUIDE, "python")[0])
        install, start = python.splitlines()
        assert install == "pip install flask standardwebhooks"
        return replaced(start, {"3000": port})
    install_express(folder)
    (folder / "receiver.mjs").write_text(replaced(blocks(GUIDE, "js")[0], {"3000": port}))
    return express.splitlines()[1]


def signed(body: str) -> dict[str, str]:
    """Give the headers of a message that is signed as the specification says."""
    now = datetime.now(UTC)
    return {
        "webhook-id": "msg_forged",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_forged", now, body),
        "content-type": "application/json",
    }


def messages(service: Service, path: str) -> list[dict[str, Any]]:
    """Ask the operator's command which messages have been delivered."""
    code, said = typed(
        "packmule webhooks list --state delivered --json",
        service.folder,
        service.environment | {"PATH": path},
    )
    assert code == 0, said
    return [json.loads(line) for line in said.splitlines()]


def heard(service: Service) -> int:
    """Ask the service how many tries were answered with success."""
    text = service.client.get("/metrics").text
    told = re.findall(r"packmule_webhook_tries_total\{([^}]*)\} (\d+)", text)
    return sum(int(count) for labels, count in told if 'outcome="delivered"' in labels)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "kind",
    [
        "flask",
        pytest.param("express", marks=[pytest.mark.needs("node", "npm"), pytest.mark.long]),
    ],
)
def test_a_receiver_takes_the_programs_message_once_and_nothing_that_is_not_signed(
    kind: str, tmp_path: Path, free_port: int, path: str, origin: Origin
) -> None:
    folder = tmp_path / kind
    folder.mkdir()
    log = folder / "log"
    start = laid_out(kind, folder, free_port)
    env = {"PATH": path, "WEBHOOK_SECRET": SECRET, "PYTHONUNBUFFERED": "1", "HOME": str(folder)}
    assert f"PACKMULE_WEBHOOK_URL={URL}" in (ROOT / GUIDE).read_text(encoding="utf-8")
    url = replaced(URL, {"3000": free_port})
    with (
        terminal(f"exec {start}", folder, env, log),
        Service(tmp_path, WEBHOOK_URL=url, WEBHOOK_SECRET=SECRET) as service,
    ):
        until_it_listens(free_port, log)
        archive_hash = service.start().completed(origin.put(f"/receivers/{kind}", b"told"))
        line = f"fetch {service.status(archive_hash)['url']}\n"
        until(lambda: line in log.read_text(), "the receiver is told")
        until(lambda: len(messages(service, path)) == 1, "it has answered with success")
        [message] = messages(service, path)
        replay = f"packmule webhooks replay {message['message']}"
        typed(replay, tmp_path, service.environment | {"PATH": path})
        until(lambda: heard(service) == 2, "it is told again")

        def answer(headers: dict[str, str]) -> int:
            return httpx.post(url, content=FORGED, headers=headers, trust_env=False).status_code

        assert answer(signed(FORGED + " ")) == 401
        assert answer({"content-type": "application/json"}) == 401
        assert "example.org" not in log.read_text()
        assert answer(signed(FORGED)) == 204
        until(lambda: "fetch http://example.org/x.zip\n" in log.read_text(), "it is read")
        assert log.read_text().count(line) == 1
