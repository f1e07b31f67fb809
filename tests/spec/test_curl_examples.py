"""The curl commands of docs/api.md, typed as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.house.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin
    from tests.spec.service import Service

COMMANDS = re.findall(
    r"^```sh\n(curl .*)\n```$", (ROOT / "docs/api.md").read_text("utf-8"), re.MULTILINE
)
# What a service without keys answers for an archive that is complete.
STATUSES = {
    "create": 202,
    "status": 200,
    "files": 200,
    "retry": 409,
    "finish": 202,
    "cancel": 409,
    "DELETE": 204,
    "list": 403,
    "events": 200,
    ".zip": 200,
    "files/0": 200,
    "parts/1": 200,  # all of it, if it is not split
}


def expected(command: str) -> int:
    """Give the status for a command: that of the longest word in it."""
    return STATUSES[max((word for word in STATUSES if word in command), key=len)]


@pytest.mark.needs("curl")
def test_every_command_is_answered(service: Service, origin: Origin, tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text('silent\nwrite-out = "\\n%{http_code}"\n')
    assert len(COMMANDS) == len(STATUSES)
    for command in COMMANDS:
        env = {
            "PATH": os.environ["PATH"],
            "CURL_HOME": str(tmp_path),
            "PACKMULE_SERVER": service.url,
            "PACKMULE_API_KEY": "none",
            "HASH": service.completed(origin.put("/curl/a.txt", b"one")),
        }
        typed = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            check=True,
            timeout=60,
        )
        status = int(typed.stdout.rpartition(b"\n")[2])
        assert status == expected(command), (command, typed.stdout)
    assert [each.suffix for each in tmp_path.iterdir() if each.name != ".curlrc"] != []
