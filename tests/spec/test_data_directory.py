"""A data directory is one service's, and nobody else on the machine reads what is in it."""

from __future__ import annotations

import stat
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.spec.service import Service, a_free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of everything below a folder, by its path from there."""
    found = [folder, *folder.rglob("*")]
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in found
        if path.exists()
    }


def run(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = service.environment | {"PACKMULE_PORT": str(a_free_port())}
    return subprocess.run(
        [sys.executable, "-m", "packmule", *arguments],
        cwd=service.folder, env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_a_second_service_on_one_data_directory_is_refused_and_commands_are_not(
    tmp_path: Path,
) -> None:
    with Service(tmp_path) as service:
        service.start()
        assert service.process is not None
        second = run(service, "serve")
        assert second.returncode == 2
        assert f"process {service.process.pid}" in second.stderr
        assert str(tmp_path / "data") in second.stderr
        assert run(service, "jobs", "list").returncode == 0


def test_only_the_owner_reads_the_data_and_a_proxys_group_the_archives(
    tmp_path: Path, origin: Origin
) -> None:
    data = tmp_path / "data"
    (data / "archives").mkdir(parents=True)
    (data / "packmule.db").touch()
    as_an_earlier_version_left_it(data)
    with Service(tmp_path) as service:
        service.start()
        service.completed(origin.put("/private/a.bin", b"a"))
        found = modes(data)
        assert found["."] == 0o700
        assert found["packmule.db"] == 0o600
        [archive] = (name for name in found if name.endswith(".zip"))
        assert found[archive] == 0o600
        service.stop()
    as_an_earlier_version_left_it(data)
    with Service(tmp_path, SENDFILE="x-accel-redirect:/archives/") as service:
        service.start()
        service.completed(origin.put("/private/b.bin", b"b"))
        found = modes(data)
    assert found["."] == 0o710
    assert found["packmule.db"] == 0o600
    archives = {name for name in found if name.startswith("archives/") and name.endswith(".zip")}
    assert len(archives) == 2
    assert {found[name] for name in archives} == {0o640}
    folders = {name.rpartition("/")[0] for name in archives} | {"archives"}
    assert {found[name] for name in folders} == {0o750}
    others = found.keys() - archives - folders - {"."}
    assert {name for name in others if found[name] & 0o077} == set()


def as_an_earlier_version_left_it(data: Path) -> None:
    for path in (data, data / "archives"):
        path.chmod(0o755)
    (data / "packmule.db").chmod(0o644)
