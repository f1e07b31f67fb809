"""docs/guides/systemd.md, done as far as a machine without a running systemd lets one.

The guide's commands are typed in folders of the test's own; `useradd` and `systemctl` only note
that they were called. systemd itself reads the unit, and what it starts is started.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.fakes.documents import ROOT, replaced, the_block, typed
from tests.fakes.terminals import PATIENCE, terminal, until_it_answers
from tests.spec.test_readme import clone

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = "docs/guides/systemd.md"
UNIT = "docs/guides/packmule.service"

__all__ = ["clone"]


def values(unit: str, key: str) -> list[str]:
    """List what a unit says under a key."""
    return [line.partition("=")[2] for line in unit.splitlines() if line.startswith(f"{key}=")]


@pytest.fixture
def noting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of programs that note how they were called, in `called`."""
    folder = tmp_path_factory.mktemp("noting")
    for name in ("useradd", "systemctl"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {folder}/called\n')
        program.chmod(0o755)
    return folder


@pytest.mark.needs("systemd-analyze")
def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    unit = (ROOT / UNIT).read_text(encoding="utf-8")
    there = shutil.which("true")
    command = "/opt/packmule/.venv/bin/packmule"
    (tmp_path / "packmule.service").write_text(replaced(unit, {command: there}))
    code, said = _verified(tmp_path)
    assert (code, said) == (0, "")
    (tmp_path / "packmule.service").write_text(replaced(unit, {"KillMode": "KilMode"}))
    assert "KilMode" in _verified(tmp_path)[1]


def _verified(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", folder / "packmule.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(400)
def test_what_the_guide_installs_is_what_the_unit_starts_and_it_stops_in_order(
    clone: Path,
    noting: Path,
    path: str,
    free_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("root")
    for folder in ("opt", "etc/systemd/system", "var/lib/packmule"):
        (root / folder).mkdir(parents=True)
    places = {"/opt/": f"{root}/opt/", "/etc/": f"{root}/etc/"}
    env = {"PATH": f"{noting}:{path}", "HOME": str(root)}
    code, said = typed(replaced(the_block(GUIDE, "cp -a"), places), clone, env)
    assert code == 0, said
    assert (noting / "called").read_text().splitlines() == [
        "useradd --system --home-dir /var/lib/packmule packmule",
        "systemctl daemon-reload",
        "systemctl enable --now packmule",
    ]
    settings = root / "etc/packmule.env"
    assert settings.stat().st_mode & 0o777 == 0o600
    unit = (root / "etc/systemd/system/packmule.service").read_text(encoding="utf-8")
    assert values(unit, "User") == ["packmule"]
    assert values(unit, "EnvironmentFile") == ["/etc/packmule.env"]
    [command], [data] = values(unit, "ExecStart"), values(unit, "Environment")
    data = replaced(data, {"/var/lib/packmule": root / "var/lib/packmule"})
    variables = dict([data.split("=", 1)]) | {"PACKMULE_PORT": str(free_port)}
    log = root / "log"
    program = {"/opt/": f"{root}/opt/"}
    with terminal(f"exec {replaced(command, program)}", root, env | variables, log) as ours:
        until_it_answers(f"http://127.0.0.1:{free_port}/readyz", log)
        assert (root / "var/lib/packmule/packmule.db").exists()
        by_hand = replaced(the_block(GUIDE, "systemd-run"), program)
        asked = shlex.split(by_hand.replace("\\\n", " "))
        at = next(number for number, word in enumerate(asked) if word.endswith("bin/packmule"))
        code, said = typed(shlex.join(asked[at:]), root, env | variables)
        assert code == 0, said
        assert said.startswith("hash\tstate\t")
        ours.terminate()
        assert ours.wait(PATIENCE) == 0
