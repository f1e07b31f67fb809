"""docs/guides/systemd.md, done as far as a machine without a running systemd lets one.

The guide's commands are typed in folders of the test's own; `useradd` and `systemctl` only note
that they were called. systemd itself reads the unit, and what it starts is started.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest
from tests.fakes.documents import ROOT, replaced, the_block, typed
from tests.fakes.terminals import PATIENCE, terminal, until_it_answers

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = "docs/guides/systemd.md"
UNIT = "docs/guides/packmule.service"
_PROGRAMS = (f"{sys.prefix}/bin", os.environ["PATH"], "/usr/sbin", "/sbin")


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
    command = "/opt/packmule/bin/packmule"
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


@pytest.fixture
def real_clone(tmp_path: Path) -> Path:
    """Give a copy of what a wheel is built from."""
    for name in ("src", "requirements", "docs/guides"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in place of the machine's root."""
    return tmp_path_factory.mktemp("root")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("libraries", ["ours", pytest.param("fetched", marks=pytest.mark.long)])
def test_what_the_guide_installs_is_what_the_unit_starts_and_it_stops_in_order(
    real_clone: Path, noting: Path, root: Path, free_port: int, libraries: str
) -> None:
    for folder in ("opt", "etc/systemd/system", "var/lib/packmule"):
        (root / folder).mkdir(parents=True)
    places = {"/opt/": f"{root}/opt/", "/etc/": f"{root}/etc/"}
    env = {"PATH": os.pathsep.join([str(noting), *_PROGRAMS]), "HOME": str(root)}
    make, fetch, *rest = replaced(the_block(GUIDE, "python3 -m venv"), places).splitlines()
    code, said = typed(make, real_clone, env, seconds=PATIENCE)
    assert code == 0, said
    assert fetch.endswith("install --require-hashes -r requirements/run.lock")
    if libraries == "ours":
        [site] = root.glob("opt/packmule/lib/python3*/site-packages")
        (site / "ours.pth").write_text(sysconfig.get_path("purelib"))
    else:
        code, said = typed(fetch, real_clone, env, seconds=PATIENCE)
        assert code == 0, said
    code, said = typed("\n".join(rest), real_clone, env, seconds=PATIENCE)
    assert code == 0, said
    assert [*root.glob("opt/packmule/lib/python3*/site-packages/packmule/py.typed")]
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


def test_an_upgrade_installs_what_the_first_installation_does() -> None:
    upgrade = the_block(GUIDE, "systemctl stop").splitlines()
    assert upgrade[1:3] == the_block(GUIDE, "python3 -m venv").splitlines()[1:3]
